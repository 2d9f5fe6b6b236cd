// Package httpapi is API Gateway's HTTP APIs (version 2 of its API): it keeps their
// routes, integrations, authorizers, stages and deployments, selects a route for a
// request, decides whether it may pass, and answers it.
//
// It does not run functions or check signatures and tokens (door), and it knows
// nothing of REST APIs (restapi) or of the documents that describe APIs (openapi).
// WebSocket APIs are not served.
package httpapi

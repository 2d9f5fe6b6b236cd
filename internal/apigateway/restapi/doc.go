// Package restapi is API Gateway's REST APIs (version 1 of its API): it keeps their
// resources, methods, integrations, authorizers, stages, deployments, API keys and
// usage plans, finds the method of a request, decides whether it may pass, and answers
// it.
//
// It does not run functions or check signatures (door), and it knows nothing of HTTP
// APIs (httpapi) or of the documents that describe APIs (openapi).
package restapi

// Package apigateway is API Gateway: it answers at the addresses of APIs and hands each
// request to the package of the API's kind, httpapi or restapi, and it is the two
// services by which APIs are made.
//
// It decides which API a request is for. It does not decide what becomes of a request
// (httpapi, restapi), run functions (frontend), or say who may (iam).
package apigateway

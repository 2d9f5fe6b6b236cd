// Package httpevent turns HTTP requests into the events that AWS's HTTP front doors
// hand to functions, and what functions return into HTTP responses: payload format 2.0
// of function URLs and HTTP APIs, format 1.0 of REST APIs, and the prelude of streams.
//
// It decides how both look. It does not decide who may call, which function a request
// reaches, or what an error looks like to the client: those who own an address
// (functionurl, apigateway) do.
package httpevent

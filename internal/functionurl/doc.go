// Package functionurl answers at the addresses of function URLs: it finds the
// function, applies the URL's rules for web pages, establishes the caller, and turns
// the request into an invoke and its answer into a response, whole or as it is written.
//
// It does not keep the URLs (controlplane), decide who may (iam), run anything
// (frontend), or know how events and responses look (httpevent).
package functionurl

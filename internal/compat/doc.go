// Package compat writes docs/compat.md: which operations of the AWS services Hearth
// serves, and how they differ from AWS's. The page is made from the operation lists
// that the edge serves, the notes beside them, and the operations that AWS's own SDK
// knows, so it cannot promise what is not there.
//
// It decides nothing at run time; what an operation does is its service's.
package compat

//go:generate go run ./compatgen ../../docs/compat.md

// Package awsapi is the HTTP edge: the one door through which every AWS request
// comes in. It decides which service and operation a request is for, who signed
// it, whether they may, and how errors look on the wire.
//
// It does not decide anything about functions: shapes belong to wire, rules to the
// services, the permission to invoke to the frontend, which knows the function
// first, and verdicts to iam.
package awsapi

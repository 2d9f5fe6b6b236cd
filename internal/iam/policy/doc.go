// Package policy reads IAM policy documents and says what they allow. It is pure:
// a document is parsed and checked once into a compiled Policy, and evaluating it
// looks at nothing but the Request it is given.
//
// It decides whether a document is well formed (with AWS's texts for those that
// are not), which statements apply to a request, and how the layers of policies
// combine into one verdict. It does not know where documents are kept, who a
// caller is or which policies are attached to whom: package iam does.
//
// Resources are compared as the IAM user guide describes: partition, service,
// region and account each within their own part of the ARN, and the rest of it as
// one text, in which a * also covers colons and slashes.
package policy

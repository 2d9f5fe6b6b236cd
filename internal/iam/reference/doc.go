// Package reference says, for each service, which actions IAM policies can name,
// what kinds of resources an action is on and which condition keys it has, as the
// pages "Actions, resources, and condition keys" of AWS's Service Authorization
// Reference do. It is data: one text file for each service.
//
// It does not decide anything. Package iam uses it to find the values of condition
// keys in a request and to write policies.
//
// # The files
//
// A line is empty, a comment after #, or has three parts between colons with
// blanks around: kinds of resources, or - for none; actions; condition keys. A key
// that the request's input answers for has the way into the input behind an equals
// sign: members of the SDK's input type, joined by dots. Lines that begin with the
// word resource give the ARN of a kind; with an asterisk behind the name it has tags.
// Lines that begin with the word tags name an action, then those that need it too when
// the input brings Tags; an equals sign and a kind behind one of these says that the
// ARN is made from the kind's, as the request's own is not the one that AWS asks for.
package reference

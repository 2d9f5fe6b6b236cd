// Package iam knows who may do what: accounts and their root keys, users,
// groups, roles, policies, identity providers and temporary credentials. It serves the IAM and STS APIs
// and answers two questions for the rest of Hearth: whose is this access key, and
// may this caller do that.
//
// It decides identities and verdicts. It does not check signatures or speak HTTP
// (the edge does), does not keep resource policies (the owners of the resources
// are asked for them), and does not evaluate documents itself (package policy does).
//
// All records are held in memory as a mirror of the Store, so that a verdict costs
// no read; the Store's watch keeps the mirror current, and every change makes all
// cached verdicts void at once. Session tokens are sealed and carry everything, so
// that temporary credentials leave no record.
//
// Of multi-factor authentication and console passwords nothing is here, and of
// organizations only an id that all accounts share. When and for what access keys were used last, and what role sessions used,
// is remembered in memory only and begins anew with every start.
package iam

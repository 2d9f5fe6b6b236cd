// Package expr is DynamoDB's expression language: conditions and filters, key
// conditions, projections and updates, and the older parameters that say the same in
// structures.
//
// It decides what an expression means and, in AWS's words, what is wrong with it. It
// knows no tables and no requests: which expressions an operation has, and what may
// be done to keys, is the service's. Text becomes a tree by recursive descent; a tree
// holds or changes an item without reading anything else.
package expr

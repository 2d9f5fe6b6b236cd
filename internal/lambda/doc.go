// Package lambda is the vocabulary that every part of Hearth shares: functions,
// names and ARNs, invocations and their results, limits, callers, and the error
// a caller sees. It holds no behaviour beyond parsing and printing its own words
// and imports nothing but the standard library. A type lives here when two
// components need it; when only one does, it lives there.
package lambda

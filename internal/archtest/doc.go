// Package archtest holds the rules of who may import whom, as a test. Each rule
// gives its reason; a rule that names a package which no longer exists fails, so
// that the list stays true. It decides nothing at run time.
package archtest

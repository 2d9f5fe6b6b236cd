package shelf

import "crypto/rand"

// idLetters are those of API Gateway's identifiers.
const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// NewID draws an identifier. Its first letter is no digit, so that it is a host name.
func NewID(length int) string {
	b := make([]byte, length)
	rand.Read(b) // it never fails (Go 1.24 and later)
	for i, v := range b {
		n := len(idLetters)
		if i == 0 {
			n = 26
		}
		b[i] = idLetters[int(v)%n]
	}
	return string(b)
}

package index

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
)

// newVersion makes a version id: the sequence, so that the version is found by its
// id alone, and random bytes, so that ids are not guessed.
func newVersion(seq uint64) string {
	var b [24]byte
	_, _ = rand.Read(b[8:]) // never fails, as crypto/rand says
	binary.BigEndian.PutUint64(b[:8], seq^binary.BigEndian.Uint64(b[8:16]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ValidVersion says whether a text has the form of a version's id.
func ValidVersion(id string) bool {
	_, ok := seqOf(id)
	return ok || id == NullVersion
}

// seqOf is the sequence in an id of newVersion; false for anything else.
func seqOf(version string) (uint64, bool) {
	b, err := base64.RawURLEncoding.DecodeString(version)
	if err != nil || len(b) != 24 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[:8]) ^ binary.BigEndian.Uint64(b[8:16]), true
}

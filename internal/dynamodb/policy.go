package dynamodb

import (
	"crypto/sha256"
	"fmt"
)

// revision names one state of a policy.
func revision(n int64, document string) string {
	sum := sha256.Sum256([]byte(document))
	return fmt.Sprintf("%d%x", n, sum[:8])
}

package sqs

import (
	"crypto/md5" //nolint:gosec // the API's checksum, no protection
	"encoding/binary"
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The types of transport in the digest of attributes.
const (
	digestText   = 1
	digestBinary = 2
)

func md5Of(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes is the digest of attributes in the order of their names (developer
// guide, "Calculating the MD5 message digest for message attributes"); nil for none.
func md5OfAttributes(attributes map[string]attributeValue) *string {
	if len(attributes) == 0 {
		return nil
	}
	var b []byte
	field := func(v []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	for _, name := range sortedKeys(attributes) {
		a := attributes[name]
		field([]byte(name))
		field([]byte(a.Type))
		if isBinary(a.Type) {
			b = append(b, digestBinary)
		} else {
			b = append(b, digestText)
		}
		field(a.Value)
	}
	return aws.String(md5Of(b))
}

package s3

import (
	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// checksumElements are the elements that carry a checksum; at most one is set.
type checksumElements struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumSHA512    string `xml:",omitempty"`
	ChecksumMD5       string `xml:",omitempty"`
	ChecksumXXHASH64  string `xml:",omitempty"`
	ChecksumXXHASH3   string `xml:",omitempty"`
	ChecksumXXHASH128 string `xml:",omitempty"`
}

func elementsOf(sum index.Checksum) (e checksumElements) {
	if at := e.at(sum.Algorithm); at != nil {
		*at = sum.Value
	}
	return e
}

// of is the element of one algorithm.
func (e *checksumElements) of(a checksum.Algorithm) string {
	if at := e.at(a); at != nil {
		return *at
	}
	return ""
}

// at is where an algorithm's checksum stands; nil for none.
func (e *checksumElements) at(a checksum.Algorithm) *string {
	switch a {
	case checksum.CRC32:
		return &e.ChecksumCRC32
	case checksum.CRC32C:
		return &e.ChecksumCRC32C
	case checksum.CRC64NVME:
		return &e.ChecksumCRC64NVME
	case checksum.SHA1:
		return &e.ChecksumSHA1
	case checksum.SHA256:
		return &e.ChecksumSHA256
	case checksum.SHA512:
		return &e.ChecksumSHA512
	case checksum.MD5:
		return &e.ChecksumMD5
	case checksum.XXHASH64:
		return &e.ChecksumXXHASH64
	case checksum.XXHASH3:
		return &e.ChecksumXXHASH3
	case checksum.XXHASH128:
		return &e.ChecksumXXHASH128
	}
	return nil
}

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
}

func elementsOf(sum index.Checksum) (e checksumElements) {
	switch sum.Algorithm {
	case checksum.CRC32:
		e.ChecksumCRC32 = sum.Value
	case checksum.CRC32C:
		e.ChecksumCRC32C = sum.Value
	case checksum.CRC64NVME:
		e.ChecksumCRC64NVME = sum.Value
	case checksum.SHA1:
		e.ChecksumSHA1 = sum.Value
	case checksum.SHA256:
		e.ChecksumSHA256 = sum.Value
	}
	return e
}

// of is the element of one algorithm.
func (e *checksumElements) of(a checksum.Algorithm) string {
	switch a {
	case checksum.CRC32:
		return e.ChecksumCRC32
	case checksum.CRC32C:
		return e.ChecksumCRC32C
	case checksum.CRC64NVME:
		return e.ChecksumCRC64NVME
	case checksum.SHA1:
		return e.ChecksumSHA1
	case checksum.SHA256:
		return e.ChecksumSHA256
	}
	return ""
}

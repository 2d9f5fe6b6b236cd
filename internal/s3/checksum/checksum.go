// Package checksum computes the checksums that S3 keeps of objects: CRC32, CRC32C,
// CRC64NVME, SHA1, SHA256, SHA512, MD5 and the XXHASH family, of whole objects and of
// objects made of parts.
//
// It decides nothing about which of them a request must carry; package s3 does.
package checksum

import (
	"crypto/md5"  //nolint:gosec // S3's API has it
	"crypto/sha1" //nolint:gosec // S3's API has it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Algorithm is the name of a checksum in the API.
type Algorithm string

// The algorithms.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
	SHA512    Algorithm = "SHA512"
	MD5       Algorithm = "MD5"
	XXHASH64  Algorithm = "XXHASH64"
	XXHASH3   Algorithm = "XXHASH3"
	XXHASH128 Algorithm = "XXHASH128"
)

// The ways in which the checksum of an object made of parts is made.
const (
	// Composite is the checksum of the parts' checksums.
	Composite = "COMPOSITE"
	// FullObject is the checksum of all bytes.
	FullObject = "FULL_OBJECT"
)

// All are the algorithms in the order of the API reference.
var All = []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128}

// The reversed polynomials.
const (
	poly32   = 0xedb88320         // IEEE
	poly32C  = 0x82f63b78         // Castagnoli
	polyNVME = 0x9a6c9329ac4bc9b5 // NVM Express command set specification
)

var (
	castagnoli = crc32.MakeTable(poly32C)
	nvme       = crc64.MakeTable(polyNVME)
)

// Parse reads the name of an algorithm, in any case.
func Parse(name string) (Algorithm, bool) {
	a := Algorithm(strings.ToUpper(name))
	return a, slices.Contains(All, a)
}

// Header is the name of the header that carries the checksum, in lower case.
func (a Algorithm) Header() string { return "x-amz-checksum-" + strings.ToLower(string(a)) }

// New makes a hash of the algorithm. The algorithm must be one of All.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(castagnoli)
	case CRC64NVME:
		return crc64.New(nvme)
	case SHA1:
		return sha1.New() //nolint:gosec // S3's API has it
	case SHA512:
		return sha512.New()
	case MD5:
		return md5.New() //nolint:gosec // S3's API has it
	case XXHASH64:
		return xxhash.New()
	case XXHASH3:
		return newXXH3(8)
	case XXHASH128:
		return newXXH3(16)
	default:
		return sha256.New()
	}
}

// Joins says that the checksum of a whole can be computed from those of its parts.
func (a Algorithm) Joins() bool { return a == CRC32 || a == CRC32C || a == CRC64NVME }

// Valid says whether text has the form of a checksum of the algorithm.
func (a Algorithm) Valid(text string) bool {
	sum, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(sum) == a.New().Size()
}

// Encode is the checksum as the API writes it.
func Encode(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// Part is one part's checksum and length in bytes.
type Part struct {
	Sum  string
	Size int64
}

// OfParts is the Composite checksum: that of the concatenated checksums, and the
// number of parts. It is empty when a part has none.
func (a Algorithm) OfParts(parts []Part) string {
	h := a.New()
	for _, p := range parts {
		sum, err := base64.StdEncoding.DecodeString(p.Sum)
		if err != nil || len(sum) != h.Size() {
			return ""
		}
		h.Write(sum)
	}
	return Encode(h) + "-" + strconv.Itoa(len(parts))
}

// Joined is the FullObject checksum, computed from those of the parts, which CRCs
// allow. It is empty when a part has none or the algorithm is no CRC.
func (a Algorithm) Joined(parts []Part) string {
	var poly uint64
	switch a {
	case CRC32:
		poly = poly32
	case CRC32C:
		poly = poly32C
	case CRC64NVME:
		poly = polyNVME
	default:
		return ""
	}
	size := a.New().Size()
	var crc uint64
	for _, p := range parts {
		sum, err := base64.StdEncoding.DecodeString(p.Sum)
		if err != nil || len(sum) != size {
			return ""
		}
		var next uint64
		for _, b := range sum {
			next = next<<8 | uint64(b)
		}
		crc = shift(poly, size*8, crc, p.Size) ^ next
	}
	out := make([]byte, size)
	for i := size - 1; i >= 0; i-- {
		out[i] = byte(crc)
		crc >>= 8
	}
	return base64.StdEncoding.EncodeToString(out)
}

package checksum

import (
	"encoding/binary"
	"math/bits"
)

// xxh3 is the hash XXH3 with its default secret and no seed, of 64 or of 128 bits
// (xxHash's specification, revision 0.2.0; names are those of its text).
type xxh3 struct {
	size  int    // of the sum: 8 or 16
	total uint64 // bytes written
	// head are the first bytes: short inputs are hashed by other rules than long ones.
	head []byte
	acc  [8]uint64
	// stripes is how many are in acc since it was scrambled.
	stripes int
	// pending is what is not in acc: a stripe goes in once something follows it. last
	// is the stripe that went in last.
	pending []byte
	last    [stripeSize]byte
}

const (
	stripeSize      = 64
	stripesPerBlock = (len(secret) - stripeSize) / 8
	shortMax        = 240 // bytes; longer inputs go through acc
)

const (
	prime32x1 = 0x9E3779B1
	prime32x2 = 0x85EBCA77
	prime32x3 = 0xC2B2AE3D
	prime64x1 = 0x9E3779B185EBCA87
	prime64x2 = 0xC2B2AE3D27D4EB4F
	prime64x3 = 0x165667B19E3779F9
	prime64x4 = 0x85EBCA77C2B2AE63
	prime64x5 = 0x27D4EB2F165667C5
	primeMX1  = 0x165667919E3779F9
	primeMX2  = 0x9FB21C651E98DF25
)

const secret = "\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe\x7c\x01\x81\x2c\xf7\x21\xad\x1c\xde\xd4\x6d\xe9\x83\x90\x97\xdb\x72\x40\xa4\xa4\xb7\xb3\x67\x1f" +
	"\xcb\x79\xe6\x4e\xcc\xc0\xe5\x78\x82\x5a\xd0\x7d\xcc\xff\x72\x21\xb8\x08\x46\x74\xf7\x43\x24\x8e\xe0\x35\x90\xe6\x81\x3a\x26\x4c" +
	"\x3c\x28\x52\xbb\x91\xc3\x00\xcb\x88\xd0\x65\x8b\x1b\x53\x2e\xa3\x71\x64\x48\x97\xa2\x0d\xf9\x4e\x38\x19\xef\x46\xa9\xde\xac\xd8" +
	"\xa8\xfa\x76\x3f\xe3\x9c\x34\x3f\xf9\xdc\xbb\xc7\xc7\x0b\x4f\x1d\x8a\x51\xe0\x4b\xcd\xb4\x59\x31\xc8\x9f\x7e\xc9\xd9\x78\x73\x64" +
	"\xea\xc5\xac\x83\x34\xd3\xeb\xc3\xc5\x81\xa0\xff\xfa\x13\x63\xeb\x17\x0d\xdd\x51\xb7\xf0\xda\x49\xd3\x16\x55\x26\x29\xd4\x68\x9e" +
	"\x2b\x16\xbe\x58\x7d\x47\xa1\xfc\x8f\xf8\xb8\xd1\x7a\xd0\x31\xce\x45\xcb\x3a\x8f\x95\x16\x04\x28\xaf\xd7\xfb\xca\xbb\x4b\x40\x7e"

// key64 and key32 are words of the secret.
var key64, key32 = func() (words [len(secret) - 7]uint64, halves [len(secret) - 3]uint32) {
	raw := []byte(secret)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(raw[i:])
	}
	for i := range halves {
		halves[i] = binary.LittleEndian.Uint32(raw[i:])
	}
	return words, halves
}()

func newXXH3(size int) *xxh3 {
	x := &xxh3{size: size, head: make([]byte, 0, shortMax), pending: make([]byte, 0, stripeSize)}
	x.Reset()
	return x
}

func (x *xxh3) Size() int      { return x.size }
func (x *xxh3) BlockSize() int { return stripeSize }

func (x *xxh3) Reset() {
	x.total, x.head, x.pending, x.stripes = 0, x.head[:0], x.pending[:0], 0
	x.acc = [8]uint64{prime32x3, prime64x1, prime64x2, prime64x3, prime64x4, prime32x2, prime64x5, prime32x1}
}

func (x *xxh3) Write(p []byte) (int, error) {
	n := len(p)
	x.total += uint64(n)
	x.head = append(x.head, p[:min(n, shortMax-len(x.head))]...)
	for len(p) > 0 {
		if len(x.pending) == stripeSize {
			x.stripe(x.pending)
			x.pending = x.pending[:0]
		}
		if len(x.pending) == 0 {
			for len(p) > stripeSize {
				x.stripe(p[:stripeSize])
				p = p[stripeSize:]
			}
		}
		taken := min(len(p), stripeSize-len(x.pending))
		x.pending = append(x.pending, p[:taken]...)
		p = p[taken:]
	}
	return n, nil
}

// stripe takes a stripe that is not the last.
func (x *xxh3) stripe(p []byte) {
	accumulate(&x.acc, p, 8*x.stripes)
	if x.stripes++; x.stripes == stripesPerBlock {
		for i := range x.acc {
			x.acc[i] = (x.acc[i] ^ x.acc[i]>>47 ^ key64[len(secret)-stripeSize+8*i]) * prime32x1
		}
		x.stripes = 0
	}
	copy(x.last[:], p)
}

func accumulate(acc *[8]uint64, p []byte, at int) {
	_ = p[stripeSize-1]
	for i := range acc {
		value := read64(p, 8*i)
		key := value ^ key64[at+8*i]
		acc[i^1] += value
		acc[i] += (key & 0xFFFFFFFF) * (key >> 32)
	}
}

func (x *xxh3) Sum(b []byte) []byte {
	low, high := x.sum()
	if x.size == 16 {
		b = binary.BigEndian.AppendUint64(b, high)
	}
	return binary.BigEndian.AppendUint64(b, low)
}

func (x *xxh3) sum() (low, high uint64) {
	switch {
	case x.total <= shortMax && x.size == 8:
		return short64(x.head), 0
	case x.total <= shortMax:
		return short128(x.head)
	}
	acc := x.acc
	var end [stripeSize]byte
	n := copy(end[:], x.last[len(x.pending):])
	copy(end[n:], x.pending)
	accumulate(&acc, end[:], len(secret)-stripeSize-7)
	low = merge(&acc, 11, x.total*prime64x1)
	if x.size == 16 {
		high = merge(&acc, len(secret)-stripeSize-11, ^(x.total * prime64x2))
	}
	return low, high
}

func merge(acc *[8]uint64, at int, result uint64) uint64 {
	for i := 0; i < 8; i += 2 {
		result += fold(acc[i]^key64[at+8*i], acc[i+1]^key64[at+8*i+8])
	}
	return avalanche(result)
}

func read64(p []byte, at int) uint64 { return binary.LittleEndian.Uint64(p[at:]) }
func read32(p []byte, at int) uint32 { return binary.LittleEndian.Uint32(p[at:]) }

// fold is the product's halves, xored.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

func avalanche(h uint64) uint64 {
	h = (h ^ h>>37) * primeMX1
	return h ^ h>>32
}

// avalanche64 is the end of the older XXH64.
func avalanche64(h uint64) uint64 {
	h = (h ^ h>>33) * prime64x2
	h = (h ^ h>>29) * prime64x3
	return h ^ h>>32
}

// mix is 16 bytes of input, made one number.
func mix(p []byte, at, key int) uint64 {
	return fold(read64(p, at)^key64[key], read64(p, at+8)^key64[key+8])
}

// combined are up to three bytes and their number.
func combined(p []byte) uint32 {
	n := len(p)
	return uint32(p[0])<<16 | uint32(p[n>>1])<<24 | uint32(p[n-1]) | uint32(n)<<8
}

// short64 hashes up to shortMax bytes.
func short64(p []byte) uint64 {
	n := len(p)
	size := uint64(n)
	switch {
	case n == 0:
		return avalanche64(key64[56] ^ key64[64])
	case n <= 3:
		return avalanche64(uint64(combined(p)) ^ uint64(key32[0]^key32[4]))
	case n <= 8:
		h := uint64(read32(p, n-4)) + uint64(read32(p, 0))<<32 ^ key64[8] ^ key64[16]
		h ^= bits.RotateLeft64(h, 49) ^ bits.RotateLeft64(h, 24)
		h *= primeMX2
		h = (h ^ (h>>35 + size)) * primeMX2
		return h ^ h>>28
	case n <= 16:
		low, high := read64(p, 0)^key64[24]^key64[32], read64(p, n-8)^key64[40]^key64[48]
		return avalanche(size + bits.ReverseBytes64(low) + high + fold(low, high))
	case n <= 128:
		acc := size * prime64x1
		for i := (n - 1) / 32; i >= 0; i-- {
			acc += mix(p, 16*i, 32*i) + mix(p, n-16*(i+1), 32*i+16)
		}
		return avalanche(acc)
	}
	acc := size * prime64x1
	for i := range 8 {
		acc += mix(p, 16*i, 16*i)
	}
	acc = avalanche(acc)
	for i := 8; i < n/16; i++ {
		acc += mix(p, 16*i, 16*(i-8)+3)
	}
	return avalanche(acc + mix(p, n-16, 136-17))
}

// short128 hashes up to shortMax bytes.
func short128(p []byte) (low, high uint64) {
	n := len(p)
	size := uint64(n)
	switch {
	case n == 0:
		return avalanche64(key64[64] ^ key64[72]), avalanche64(key64[80] ^ key64[88])
	case n <= 3:
		c := combined(p)
		return avalanche64(uint64(c) ^ uint64(key32[0]^key32[4])),
			avalanche64(uint64(bits.RotateLeft32(bits.ReverseBytes32(c), 13)) ^ uint64(key32[8]^key32[12]))
	case n <= 8:
		keyed := uint64(read32(p, 0)) + uint64(read32(p, n-4))<<32 ^ key64[16] ^ key64[24]
		high, low = bits.Mul64(keyed, prime64x1+size<<2)
		high += low << 1
		low ^= high >> 3
		low = (low ^ low>>35) * primeMX2
		return low ^ low>>28, avalanche(high)
	case n <= 16:
		first, last := read64(p, 0), read64(p, n-8)
		high, low = bits.Mul64(first^last^key64[32]^key64[40], prime64x1)
		low += (size - 1) << 54
		last ^= key64[48] ^ key64[56]
		high += last + (last&0xFFFFFFFF)*(prime32x2-1)
		low ^= bits.ReverseBytes64(high)
		h, l := bits.Mul64(low, prime64x2)
		return avalanche(l), avalanche(h + high*prime64x2)
	}
	low = size * prime64x1
	if n <= 128 {
		for i := (n - 1) / 32; i >= 0; i-- {
			low, high = mix2(low, high, p, 16*i, n-16*(i+1), 32*i)
		}
	} else {
		for i := 0; i < 128; i += 32 {
			low, high = mix2(low, high, p, i, i+16, i)
		}
		low, high = avalanche(low), avalanche(high)
		for i := 160; i <= n; i += 32 {
			low, high = mix2(low, high, p, i-32, i-16, 3+i-160)
		}
		low, high = mix2(low, high, p, n-16, n-32, 136-17-16)
	}
	return avalanche(low + high), -avalanche(low*prime64x1 + high*prime64x4 + size*prime64x2)
}

// mix2 takes 32 bytes into the two halves.
func mix2(low, high uint64, p []byte, first, second, key int) (uint64, uint64) {
	low = (low + mix(p, first, key)) ^ (read64(p, second) + read64(p, second+8))
	high = (high + mix(p, second, key+16)) ^ (read64(p, first) + read64(p, first+8))
	return low, high
}

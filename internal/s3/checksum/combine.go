package checksum

// shift is the CRC register after length zero bytes: multiplication by x^(8·length)
// modulo the polynomial, by squaring a matrix over GF(2), as zlib's crc32_combine
// does. The CRC of two texts after each other is the first's shifted by the
// second's length, xor the second's; the initial and final inversions cancel out.
func shift(poly uint64, width int, crc uint64, length int64) uint64 {
	op := make([]uint64, width) // one zero bit
	op[0] = poly
	for i := 1; i < width; i++ {
		op[i] = 1 << (i - 1)
	}
	for range 3 { // one zero byte
		op = square(op)
	}
	for ; length > 0; length >>= 1 {
		if length&1 != 0 {
			crc = times(op, crc)
		}
		op = square(op)
	}
	return crc
}

func times(m []uint64, v uint64) uint64 {
	var sum uint64
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

func square(m []uint64) []uint64 {
	out := make([]uint64, len(m))
	for i := range m {
		out[i] = times(m, m[i])
	}
	return out
}

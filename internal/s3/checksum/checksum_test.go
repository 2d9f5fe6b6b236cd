package checksum

import (
	"math/rand/v2"
	"testing"
)

// TestKnownChecksums holds the catalogue's check values, of the text 123456789.
func TestKnownChecksums(t *testing.T) {
	for a, want := range map[Algorithm]string{
		CRC32: "y/Q5Jg==", CRC32C: "4waSgw==", CRC64NVME: "rosUhgp5mIg=",
		SHA1:   "98O8HYCOBHMq32eZZczDTKeuNEE=",
		SHA256: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		h := a.New()
		h.Write([]byte("123456789"))
		got := Encode(h)
		if got != want {
			t.Errorf("%s: got %s, want %s", a, got, want)
		}
	}
}

func TestJoinedPartsHaveTheChecksumOfTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		data := make([]byte, r.IntN(5000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		for _, a := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
			whole := a.New()
			whole.Write(data)
			var parts []Part
			for rest := data; ; {
				n := r.IntN(len(rest) + 1)
				h := a.New()
				h.Write(rest[:n])
				parts = append(parts, Part{Encode(h), int64(n)})
				if rest = rest[n:]; len(rest) == 0 {
					break
				}
			}
			if got, want := a.Joined(parts), Encode(whole); got != want {
				t.Fatalf("%s of %d bytes in %d parts: got %s, want %s", a, len(data), len(parts), got, want)
			}
		}
	}
}

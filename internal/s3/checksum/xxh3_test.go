package checksum

import (
	"encoding/hex"
	"testing"
)

// TestXXHASHIsThatOfXxhsum holds what xxhsum 0.8.1 says of bytes of each length at
// which the rules change, written whole and in pieces.
func TestXXHASHIsThatOfXxhsum(t *testing.T) {
	for _, c := range []struct {
		size                int
		xxh3, xxh128, xxh64 string
	}{
		{0, "2d06800538d394c2", "99aa06d3014798d86001c324468d497f", "ef46db3751d8e999"},
		{1, "c44bdff4074eecdb", "a6cd5e9392000f6ac44bdff4074eecdb", "e934a84adb052768"},
		{3, "c3489259e968ad9e", "656e81c56e41fe02c3489259e968ad9e", "9ff70a635a6209ab"},
		{4, "d3d60c1519014e89", "ab5c3e7474d809db81a65295de8e7dde", "ae5acdc00a55ac41"},
		{8, "b88dee77f6bf6980", "e4b9dd0b66ff3c50ebabbd0695002ff6", "87116b3365b924eb"},
		{9, "03688dcad730d826", "82ddc95bc76007671c69c3f04aaed08c", "340667a92c4324ff"},
		{16, "9da23836adf2be1e", "ddf6c1254d70f76794eaa17b20756f46", "ed1dd2fac0a31fbc"},
		{17, "f34c3c9cf5a112d1", "263f67af63088041735fe434ded90c3c", "758409c57cd5d0a2"},
		{32, "99cb9ad0f1a11fbe", "a86b514658f976a5407920045a9a834c", "91b0cb0931a8c629"},
		{33, "c077b45492d29cde", "a943d80ce26ed2928b59b4dfba3c9de4", "931b043cf8d65b94"},
		{64, "6efb76ff16f37561", "a7fa95f7f23b64a7edae5e0312655703", "bf3052e3445775d0"},
		{65, "2640848e9137156b", "c12aaf5f8a1782a45c95500a9909a96f", "ed65e3510df3611d"},
		{96, "764d2d5db92942df", "dbfa0cd6e568ef54acb9f0967e182865", "0c1298bedcd0a493"},
		{97, "077acb7e5f4fd940", "bc31691d04ea6efefee64835dcb60271", "ae4b5065ada4d2ab"},
		{128, "65f3c2c00fa93185", "dd9e5aa9bd51cc9cc6bd21ecc865f29f", "6bd66a757cf20d64"},
		{129, "28065c6ec25f5b25", "00433635cf8d872e7f4accb76587485b", "3fbc5a0162d80206"},
		{160, "cc592da68fea2254", "2282232242346ee608d4baacce68f2d0", "32a778ba0cec7db5"},
		{161, "6409c7155c76d359", "cc5fdeb06fc0ec4f81eb66ebe6de9f17", "10c6a1d7a4d66907"},
		{239, "6ce0b13191e635ea", "f2fe3c78143adc2dcd853c48eb4e074f", "d1f8f72db757ad81"},
		{240, "4917a75c0ef8eed7", "89e3a0a2ee355d25d10beb4e0599e4b3", "9f17f1fcbcbfb88e"},
		{241, "541b19226f0052e8", "75f4da43f23cce5a541b19226f0052e8", "06f9e01b26bb1786"},
		{256, "f2331523b74cf0a4", "d49510bd86c6d0acf2331523b74cf0a4", "b90b125ca307d298"},
		{512, "717ea4dbb4b419c1", "f201a7b3c9b5a955717ea4dbb4b419c1", "4aba1026fb181dc7"},
		{1024, "ba464919c6bb3ccd", "03de0c29e9f0bc7fba464919c6bb3ccd", "deeebe7dec99e6a5"},
		{1025, "2aa0034e7827ee42", "7584e04fe3414e5a2aa0034e7827ee42", "9912c944c9289457"},
		{1088, "6120d50233c9c660", "efb5c378c8fee4446120d50233c9c660", "8643df97f07059a2"},
		{1089, "6465773a48ee4306", "5e132f050bc71d136465773a48ee4306", "df62725756490eac"},
		{2048, "956f98bea3210c05", "019ce17e87a3de06956f98bea3210c05", "46cf63bcdebe42f5"},
		{5000, "e69c7c10fe601e8d", "a831ba0ab04f5544e69c7c10fe601e8d", "c80d3aa53325f212"},
		{100000, "4e16d63e05fac6ed", "faa51cdf3b1485174e16d63e05fac6ed", "4316421af31ed0c2"},
	} {
		data := make([]byte, c.size)
		for i := range data {
			data[i] = byte(i*7 + i/251)
		}
		for a, want := range map[Algorithm]string{XXHASH3: c.xxh3, XXHASH128: c.xxh128, XXHASH64: c.xxh64} {
			for _, piece := range []int{1, 63, 64, 65, 1000, c.size + 1} {
				h := a.New()
				for rest := data; len(rest) > 0; {
					n := min(piece, len(rest))
					h.Write(rest[:n])
					rest = rest[n:]
				}
				if got := hex.EncodeToString(h.Sum(nil)); got != want {
					t.Errorf("%s of %d bytes in pieces of %d: got %s, want %s", a, c.size, piece, got, want)
				}
			}
		}
	}
}

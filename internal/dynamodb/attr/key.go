package attr

// Keys on disk are ordered by their bytes as DynamoDB orders their values, and no key
// is the beginning of another, so that several can follow one another.

// AppendKey encodes a scalar in order-preserving form.
func AppendKey(b []byte, v Value) []byte {
	if v.Kind == Number {
		return appendNumberKey(b, v.Text)
	}
	return append(AppendKeyPrefix(b, v.Text), 0, 1)
}

// AppendKeyPrefix encodes the beginning of a string or binary: what AppendKey gives
// for any that begins so begins with it.
func AppendKeyPrefix(b []byte, text string) []byte {
	for i := range len(text) {
		b = append(b, text[i])
		if text[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return b
}

// The first byte of a number's key.
const (
	keyNegative = 1
	keyZero     = 2
	keyPositive = 3
)

// appendNumberKey writes the sign, the exponent and the digits, two in a byte, ended
// by a zero; of negative numbers all but the sign is inverted.
func appendNumberKey(b []byte, text string) []byte {
	d := canonical(text)
	if d.digits == "" {
		return append(b, keyZero)
	}
	if d.negative {
		b = append(b, keyNegative)
	} else {
		b = append(b, keyPositive)
	}
	start := len(b)
	b = append(b, byte(d.exp-exponentMin))
	for i := 0; i < len(d.digits); i += 2 {
		pair := (d.digits[i] - '0') * 10
		if i+1 < len(d.digits) {
			pair += d.digits[i+1] - '0'
		}
		b = append(b, pair+1)
	}
	b = append(b, 0)
	if d.negative {
		for i := start; i < len(b); i++ {
			b[i] = ^b[i]
		}
	}
	return b
}

// Successor is the least key after all that begin with prefix; nil when there is none.
func Successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			out := append([]byte(nil), prefix[:i+1]...)
			out[i]++
			return out
		}
	}
	return nil
}

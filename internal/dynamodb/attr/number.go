package attr

import (
	"math/big"
	"strings"
)

// The range and precision of numbers (DynamoDB developer guide, "Number"): positive
// ones go from 1E-130 to 9.99…E+125 with 38 significant digits.
const (
	digitsMax   = 38
	exponentMin = -130
	exponentMax = 125
	// numberTextMax bounds the text of a number before it is read: the longest that
	// means one in range is much shorter, and zeros could go on for ever.
	numberTextMax = 1024
)

// decimal is a number taken apart: digits without leading or trailing zeros, of which
// the first stands before the point, times 10^exp. Zero has no digits.
type decimal struct {
	negative bool
	digits   string
	exp      int
}

// ParseNumber reads the text of a number and returns it in canonical form. Errors
// are DynamoDB's.
func ParseNumber(text string) (Value, error) {
	if text == "" {
		return Value{}, invalid("The parameter cannot be converted to a numeric value")
	}
	d, ok := parseDecimal(text)
	if !ok {
		return Value{}, invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	if err := d.check(); err != nil {
		return Value{}, err
	}
	return num(d.text()), nil
}

func (d decimal) check() error {
	switch {
	case d.digits == "":
		return nil
	case d.exp > exponentMax:
		return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case d.exp < exponentMin:
		return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(d.digits) > digitsMax:
		return invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return nil
}

// parseDecimal reads [+-]digits[.digits][e[+-]digits].
func parseDecimal(s string) (d decimal, ok bool) {
	if len(s) > numberTextMax {
		return decimal{}, false
	}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	mantissa, power, hasPower := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, power, hasPower = s[:i], s[i+1:], true
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !allDigits(whole) || !allDigits(fraction) || whole+fraction == "" {
		return decimal{}, false
	}
	exp, ok := parsePower(power, hasPower)
	if !ok {
		return decimal{}, false
	}
	digits := whole + fraction
	exp += len(whole) - 1
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	d.digits = strings.TrimRight(trimmed, "0")
	d.exp = exp
	if d.digits == "" {
		d = decimal{}
	}
	return d, true
}

// powerMax is far outside the range of numbers; larger powers mean the same.
const powerMax = 100_000

func parsePower(s string, present bool) (int, bool) {
	if !present {
		return 0, true
	}
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if s == "" || !allDigits(s) {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		n = min(n*10+int(c-'0'), powerMax)
	}
	return sign * n, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// text is the canonical form: plain notation without needless zeros.
func (d decimal) text() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.negative {
		b.WriteByte('-')
	}
	point := d.exp + 1 // digits before the point
	switch {
	case point <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -point))
		b.WriteString(d.digits)
	case point >= len(d.digits):
		b.WriteString(d.digits)
		b.WriteString(strings.Repeat("0", point-len(d.digits)))
	default:
		b.WriteString(d.digits[:point])
		b.WriteByte('.')
		b.WriteString(d.digits[point:])
	}
	return b.String()
}

// canonical takes apart a text that this package made.
func canonical(text string) decimal {
	d, ok := parseDecimal(text)
	if !ok {
		panic("attr: a number is not in canonical form: " + text)
	}
	return d
}

// Add is a + b exactly; it fails where the sum is out of range or needs more than 38
// digits.
func Add(a, b Value) (Value, error) { return sum(a, b, 1) }

// Subtract is a - b.
func Subtract(a, b Value) (Value, error) { return sum(a, b, -1) }

func sum(a, b Value, sign int64) (Value, error) {
	x, y := canonical(a.Text), canonical(b.Text)
	// Both are brought to the lower power of ten, as whole numbers.
	low := min(x.exp-len(x.digits), y.exp-len(y.digits)) + 1
	total := x.scaled(low)
	total.Add(total, new(big.Int).Mul(y.scaled(low), big.NewInt(sign)))
	out, _ := parseDecimal(total.String())
	if out.digits != "" {
		out.exp += low
	}
	if err := out.check(); err != nil {
		return Value{}, err
	}
	return num(out.text()), nil
}

// scaled is the number divided by 10^low, which leaves it whole.
func (d decimal) scaled(low int) *big.Int {
	n := new(big.Int)
	if d.digits == "" {
		return n
	}
	n.SetString(d.digits+strings.Repeat("0", d.exp-len(d.digits)+1-low), 10)
	if d.negative {
		n.Neg(n)
	}
	return n
}

// Int64 is a number's whole part; ok is false when it does not fit.
func Int64(v Value) (n int64, ok bool) {
	if v.Kind != Number {
		return 0, false
	}
	whole, _, _ := strings.Cut(v.Text, ".")
	big, ok := new(big.Int).SetString(whole, 10)
	if !ok || !big.IsInt64() {
		return 0, false
	}
	return big.Int64(), true
}

// FromInt makes a number.
func FromInt(n int64) Value { return num(big.NewInt(n).String()) }

package wire

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The formats of a timestamp (Smithy's @timestampFormat).
const (
	stampEpoch    = "epoch-seconds"
	stampDateTime = "date-time"
	stampHTTPDate = "http-date"
)

// appendEpoch prints t as seconds since 1970 in plain decimal notation with at
// most three digits of fraction: 1762510272.345. AWS never uses exponents, and
// float formatting would for large values.
func appendEpoch(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	frac := ms % 1000
	if frac == 0 {
		return b
	}
	digits := fmt.Appendf(nil, ".%03d", frac)
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return append(b, digits...)
}

// formatStamp prints t in one of the text formats.
func formatStamp(t time.Time, format string) string {
	switch format {
	case stampEpoch:
		return string(appendEpoch(nil, t))
	case stampHTTPDate:
		return t.UTC().Format(http.TimeFormat)
	default:
		if t.Nanosecond() == 0 {
			return t.UTC().Format("2006-01-02T15:04:05Z")
		}
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
}

// parseEpoch reads seconds since 1970, with a fraction or an exponent.
func parseEpoch(s string) (time.Time, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > maxEpoch {
		return time.Time{}, fmt.Errorf("%q is not a number of seconds since 1970", s)
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(math.Round(frac*1e3))*int64(time.Millisecond)).UTC(), nil
}

// maxEpoch is the last second of the year 9999, the largest that the text formats
// can print.
const maxEpoch = 253402300799

// parseStamp reads any of the formats: clients differ in what they send for
// timestamps outside of JSON bodies.
func parseStamp(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := http.ParseTime(s); err == nil {
		return t.UTC(), nil
	}
	if t, err := parseEpoch(s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is not a timestamp", s)
}

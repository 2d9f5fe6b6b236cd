package wire

import (
	"testing"
	"time"
)

var goldenTime = time.Date(2026, 11, 7, 10, 11, 12, 0, time.UTC)

func TestEpochSecondsAreWrittenInPlainDecimalNotation(t *testing.T) {
	cases := []struct {
		name string
		in   time.Time
		want string
	}{
		{"a whole second has no fraction", time.Unix(1762510272, 0), "1762510272"},
		{"milliseconds are kept", time.UnixMilli(1762510272345), "1762510272.345"},
		{"trailing zeros are dropped", time.UnixMilli(1762510272300), "1762510272.3"},
		{"leading zeros of the fraction stay", time.UnixMilli(1762510272005), "1762510272.005"},
		{"finer than a millisecond is cut", time.Unix(1, 999), "1"},
		{"before 1970 is negative", time.UnixMilli(-1500), "-1.5"},
		{"the year 9999 has no exponent", time.Unix(maxEpoch, 0), "253402300799"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := string(appendEpoch(nil, c.in)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTimestampsAreReadInEveryFormat(t *testing.T) {
	for _, text := range []string{
		"2026-11-07T10:11:12Z", "2026-11-07T12:11:12+02:00", "2026-11-07T10:11:12.000Z",
		"Sat, 07 Nov 2026 10:11:12 GMT", "1794046272", "1.794046272E9",
	} {
		got, err := parseStamp(text)
		if err != nil || !got.Equal(goldenTime) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "NaN", "1e300", "-Inf"} {
		if got, err := parseStamp(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

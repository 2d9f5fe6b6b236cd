package host

import "testing"

func TestParseRelease(t *testing.T) {
	for _, c := range []struct {
		release      string
		major, minor int
		ok           bool
	}{
		{"6.18.44-fc-v657", 6, 18, true},
		{"5.4-rc1", 5, 4, true},
		{"5.15.0-1051-aws", 5, 15, true},
		{"6.1", 6, 1, true},
		{"", 0, 0, false},
		{"six.one", 0, 0, false},
	} {
		major, minor, ok := parseRelease(c.release)
		if ok != c.ok || ok && (major != c.major || minor != c.minor) {
			t.Errorf("parseRelease(%q) = %d, %d, %t, want %d, %d, %t", c.release, major, minor, ok, c.major, c.minor, c.ok)
		}
	}
}

func TestParseMeminfo(t *testing.T) {
	total, available := parseMeminfo("MemTotal:       24684092 kB\nMemFree:        19000000 kB\nMemAvailable:   23000001 kB\nHugePages_Total:       0\n")
	if total != 24684092 || available != 23000001 {
		t.Errorf("got %d, %d, want 24684092, 23000001", total, available)
	}
	if total, available := parseMeminfo(""); total != 0 || available != 0 {
		t.Errorf("of nothing: %d, %d, want zeros", total, available)
	}
}

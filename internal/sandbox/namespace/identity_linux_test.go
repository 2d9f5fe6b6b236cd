package namespace

import (
	"strings"
	"testing"
)

func TestSlotsAreNotSharedAndNotReusedAtOnce(t *testing.T) {
	s := newSlots("/state", idSpace{all: true})
	seen := map[uint32]bool{}
	for range slotsMax {
		slot, err := s.take()
		if err != nil || seen[slot] {
			t.Fatalf("take: %d, %v, after %d", slot, err, len(seen))
		}
		seen[slot] = true
	}
	if _, err := s.take(); err == nil {
		t.Error("one slot more than there are: no error")
	}
	s.release(7)
	if slot, err := s.take(); slot != 7 || err != nil {
		t.Errorf("take: %d, %v, want the released 7", slot, err)
	}

	fresh := newSlots("/state", idSpace{all: true})
	first, _ := fresh.take()
	fresh.release(first)
	if second, _ := fresh.take(); second == first {
		t.Errorf("slot %d is handed out again at once", first)
	}
}

func TestHostIDsStayBelowTheLargest(t *testing.T) {
	last := hostIDFirst + (hostBlocks-1)*slotsMax*idsPerSlot + slotsMax*idsPerSlot
	if last >= 1<<31-2 {
		t.Errorf("the last id is %d", last)
	}
	s := newSlots("/state", idSpace{all: true})
	a, b := s.ids(0)
	c, _ := s.ids(1)
	if a == b || c <= b {
		t.Errorf("ids %d, %d and %d overlap", a, b, c)
	}
}

func TestSkeletonHasThePlacesThatNoMountBrings(t *testing.T) {
	got := skeletonPoints([]mountPoint{
		{"/var/task", false}, {"/opt", false}, {"/opt/nested", false}, {"/var/task", false}, {"/usr/local", false}, {"/var/runtime/bootstrap", true},
	})
	want := []mountPoint{{"/var/task", false}, {"/opt", false}, {"/var/runtime/bootstrap", true}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestSlotsInAUserNamespace(t *testing.T) {
	s := newSlots("/state", idSpace{count: 65_537})
	if a, b := s.ids(0); a != 1 || b != 2 {
		t.Errorf("the first ids are %d and %d", a, b)
	}
	if _, b := s.ids(s.most - 1); b > 65_536 {
		t.Errorf("the last id is %d", b)
	}
	few := newSlots("/state", idSpace{count: 6})
	for range 2 {
		if _, err := few.take(); err != nil {
			t.Error(err)
		}
	}
	if _, err := few.take(); err == nil {
		t.Error("three environments with five ids")
	}
	if a, b := newSlots("/state", idSpace{count: 1}).ids(5); a != 0 || b != 0 {
		t.Errorf("with one id: %d and %d", a, b)
	}
}

func TestIDMaps(t *testing.T) {
	tests := []struct {
		name, text string
		want       idSpace
	}{
		{"the host's", "         0          0 4294967295\n", idSpace{true, 1<<32 - 1}},
		{"one id", "         0       1000          1\n", idSpace{false, 1}},
		{"one and a range", "0 1000 1\n1 100000 65536\n", idSpace{false, 65_537}},
		{"a gap", "0 1000 1\n10 100000 65536\n", idSpace{false, 1}},
		{"none", "", idSpace{}},
		{"no map", "x y z\n1\n", idSpace{}},
	}
	for _, tt := range tests {
		if got := parseIDMap(tt.text); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestSubordinateRanges(t *testing.T) {
	const text = "# a comment\nalice:100000:65536\n1000:200000:65536\nbroken:1\n"
	for name, want := range map[string]string{"alice": "100000", "1000": "200000"} {
		if got, err := findRange(strings.NewReader(text), []string{name}); err != nil || got.first != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := findRange(strings.NewReader(text), []string{"broken", "bob"}); err == nil {
		t.Error("a range for nobody")
	}
}

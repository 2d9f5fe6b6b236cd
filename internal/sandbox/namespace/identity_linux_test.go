package namespace

import "testing"

func TestSlotsAreNotSharedAndNotReusedAtOnce(t *testing.T) {
	s := newSlots("/state")
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

	fresh := newSlots("/state")
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
	s := newSlots("/state")
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

package namespace

import (
	"errors"
	"hash/fnv"
	"sync"
)

// insideUser is the name of the processes' user as seen from inside; its numbers are
// control's.
const insideUser = "sbx_user1051"

// Host ids: each environment has two that nobody else has, one for its init and
// one for its processes, so that what the kernel accounts by user (processes,
// pending signals, pipes, keys) is accounted by environment. The range begins
// above systemd's for containers. Every state directory has a block of its own, by
// hash, so that two Hearths on a host do not meet. In a user namespace that somebody
// made around Hearth the ids are those that it has, and when it has one only, all
// environments share that.
const (
	hostIDFirst = 1_879_048_192
	hostBlocks  = 1 << 14
	// slotsMax bounds the environments of one driver; it is several times what the
	// memory of a large machine holds.
	slotsMax   = 1 << 12
	idsPerSlot = 2
)

// slots hands out the numbers from which host ids are made.
type slots struct {
	first, most uint32
	// shared says that there is one id for everything.
	shared bool

	// mu guards what follows.
	mu   sync.Mutex
	used map[uint32]bool
	next uint32
}

func newSlots(stateDir string, ids idSpace) *slots {
	s := &slots{most: slotsMax, used: map[uint32]bool{}}
	switch {
	case ids.all:
		h := fnv.New32a()
		h.Write([]byte(stateDir)) // a hash does not fail
		s.first = hostIDFirst + h.Sum32()%hostBlocks*slotsMax*idsPerSlot
	case ids.count > idsPerSlot:
		s.first, s.most = 1, min(slotsMax, (ids.count-1)/idsPerSlot)
	default:
		s.shared = true
	}
	return s
}

// take hands out a slot, the one that has been free longest first.
func (s *slots) take() (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if uint32(len(s.used)) == s.most {
		return 0, errors.New("no user id is left: too many environments")
	}
	for s.used[s.next] {
		s.next = (s.next + 1) % s.most
	}
	slot := s.next
	s.used[slot] = true
	s.next = (s.next + 1) % s.most
	return slot, nil
}

func (s *slots) release(slot uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.used, slot)
}

// ids are the host's user and group ids of a slot.
func (s *slots) ids(slot uint32) (initID, processID int) {
	if s.shared {
		return 0, 0
	}
	base := int(s.first + slot*idsPerSlot)
	return base, base + 1
}

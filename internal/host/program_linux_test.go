package host

import (
	"slices"
	"strings"
	"testing"
)

// TestOnlyWhatIsAsInTheFileIsReleased holds that no page is let go that the file does
// not bring back.
func TestOnlyWhatIsAsInTheFileIsReleased(t *testing.T) {
	const smaps = `00400000-01527000 r-xp 00000000 fe:00 7 /opt/hearth
Rss:               16012 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01527000-01600000 r--p 01127000 fe:00 7 /opt/hearth
Anonymous:             4 kB
01600000-02a2c000 r--p 01127000 fe:00 7 /opt/hearth
Anonymous:             0 kB
02a2c000-02af7000 rw-p 0262c000 fe:00 7 /opt/hearth
Anonymous:             0 kB
7f0000000000-7f0000001000 r--s 00000000 fe:00 9 /opt/hearth.db
Anonymous:             0 kB
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
Anonymous:             0 kB
`
	got, err := unchanged(strings.NewReader(smaps), "/opt/hearth")
	want := []span{{0x400000, 0x1527000}, {0x1600000, 0x2a2c000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x %v, want %x", got, err, want)
	}
	if _, err := unchanged(strings.NewReader("nonsense\n"), "/opt/hearth"); err == nil {
		t.Error("nonsense is read as a map")
	}
}

// TestTheProgramRunsOnAfterItsPagesWereReleased is itself the code that comes back.
func TestTheProgramRunsOnAfterItsPagesWereReleased(t *testing.T) {
	if err := ReleaseProgram(); err != nil {
		t.Fatal(err)
	}
	TestOnlyWhatIsAsInTheFileIsReleased(t)
}

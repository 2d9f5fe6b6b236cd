package control_test

import (
	"reflect"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

func full() control.Message {
	return control.Message{
		Kind: control.Start, Seq: 1, Pid: 2, Status: 3, Errno: 4, Text: "text", Path: "/p", Dir: "/d",
		Args: []string{"a", ""}, Env: []string{"K=V"}, Hostname: "h", UID: 5, GID: 6, Flags: 7, FilesMax: 8, Processes: 1 << 31,
		Filter: []byte{0, 1, 255}, Masks: []string{"+/proc/sys"},
	}
}

func TestMessagesSurviveTheWire(t *testing.T) {
	want := full()
	got, ok := control.Parse(want.Append(nil))
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %t, want %+v", got, ok, want)
	}
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	m := full()
	whole := m.Append(nil)
	for n := range whole {
		if _, ok := control.Parse(whole[:n]); ok {
			t.Errorf("the first %d of %d bytes are taken for a message", n, len(whole))
		}
	}
	if _, ok := control.Parse(append(whole, 0)); ok {
		t.Error("a message with a byte more is taken for one")
	}
}

func FuzzParse(f *testing.F) {
	m := full()
	f.Add(m.Append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := control.Parse(b)
		if !ok {
			return
		}
		again, ok := control.Parse(m.Append(nil))
		if !ok || again.Seq != m.Seq || len(again.Args) != len(m.Args) {
			t.Errorf("%+v does not survive: %+v, %t", m, again, ok)
		}
	})
}

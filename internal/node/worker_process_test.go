package node

import (
	"net"
	"strings"
	"testing"
)

func TestAWorkersConfigurationIsCheckedWhole(t *testing.T) {
	good := DefaultWorker()
	good.Join, good.Name, good.Zone, good.DataDir = "10.0.0.1:4600", "w", "a", "/data"
	if err := good.Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	bad := WorkerConfig{Join: "here", Listen: "there", Advertise: "elsewhere", Name: "a b", DataDir: "data", Isolation: "wall", MemoryMB: -1}
	err := bad.Validate()
	if err == nil {
		t.Fatal("a bad one is taken")
	}
	for _, want := range []string{"join:", "listen:", "advertise:", "name:", "zone:", "data_dir:", "isolation:", "memory"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestAWorkerOnAllAddressesTellsTheOneThatLeadsToItsControlProcess(t *testing.T) {
	for _, tt := range []struct{ listen, advertise, want string }{
		{"127.0.0.1:0", "", "127.0.0.1:"},
		{"0.0.0.0:0", "", "127.0.0.1:"},
		{"0.0.0.0:0", "10.0.0.7:4700", "10.0.0.7:4700"},
	} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		w := &WorkerNode{cfg: WorkerConfig{Join: "127.0.0.1:9", Advertise: tt.advertise}}
		got, err := w.address(t.Context(), l)
		l.Close()
		if err != nil || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%+v: %s, %v", tt, got, err)
		}
	}
}

//go:build unix && !linux

package process

import (
	"os"
	"syscall"
)

// spawner starts processes; only Linux has parent-death signals to care for.
type spawner struct{}

func newSpawner() *spawner { return &spawner{} }

func (*spawner) start(path string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	return os.StartProcess(path, argv, attr)
}

func (*spawner) stop() {}

func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// limitFiles does nothing: other systems cannot bound a running process.
func limitFiles(int, int) {}

// keepDescriptors does nothing: what Hearth inherited is handed down.
func keepDescriptors() {}

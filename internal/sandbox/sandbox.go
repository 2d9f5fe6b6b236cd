// Package sandbox is one isolated execution environment and the thin driver under
// it: the family's interface, its terms and its states. It starts and ends
// processes inside an environment, bounds what they use and what they see, and
// reports how they ended.
//
// It does not decide when an environment is made, reused, frozen or ended (the
// worker does), what runs inside (runtimes), or what the code inside may call
// (runtimeapi).
//
// # States
//
// An Environment is created empty: root, limits and network exist, no customer
// process runs. Start runs a process in it; several may run at once (a runtime and
// its extensions). KillAll ends every customer process and leaves the environment
// as it was, with its /tmp: that is Lambda's reset after a timeout or a crash.
// Destroy ends everything and leaves nothing on the host; it is idempotent and may
// be called in any state.
//
//	created ── Start ──► running ── KillAll ──► created
//	   │                  │   ▲
//	   │            Freeze│   │Thaw
//	   │                  ▼   │
//	   │                 frozen
//	   └────── Destroy ───────┴──► gone
//
// # Example
//
//	env, err := driver.Create(ctx, sandbox.Spec{ID: id, MemoryMB: 128, ...})
//	defer env.Destroy(context.WithoutCancel(ctx))
//	l, err := env.Listen(ctx, 9001)             // on the environment's own loopback
//	p, err := env.Start(ctx, sandbox.Command{Path: "/var/task/bootstrap", ...})
//	<-p.Done()
//	fmt.Println(p.Exit())                       // "exit status 1", "signal: killed"
//
// Every driver runs the suite in package sandboxtest.
package sandbox

import (
	"context"
	"net"
	"os"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Driver makes execution environments with one isolation technology. Its methods
// may be called at the same time from many goroutines.
type Driver interface {
	// Name is the word for --isolation, such as "namespace".
	Name() string
	// Capabilities says what this driver can hold to on this host; it is asked at
	// start-up and does not change.
	Capabilities() Capabilities
	// Create makes an environment. When it fails nothing is left behind.
	Create(ctx context.Context, spec Spec) (Environment, error)
	// Sweep ends and removes whatever an earlier process of this driver and state
	// directory left on the host: processes, mounts, cgroups, files. It is called
	// once before the first Create and returns how many environments it removed.
	Sweep(ctx context.Context) (int, error)
}

// Environment is one execution environment.
type Environment interface {
	// Listen opens a TCP listener on 127.0.0.1:port as seen from inside. A driver
	// without a network of its own per environment (Capabilities.PrivateNetwork is
	// false) ignores the port and takes a free one: ask the listener.
	Listen(ctx context.Context, port int) (net.Listener, error)
	// Path is how a process inside must spell a path of the standard layout, such
	// as /var/task/index.js. Drivers that have a root of their own return it as it
	// is; the process driver returns the host's path.
	Path(inside string) string
	// Start runs a process inside and returns once it has been exec'd, or an
	// error of type *StartError when the command cannot be run.
	Start(ctx context.Context, cmd Command) (Process, error)
	// KillAll ends every process that Start made, and their children, and waits
	// until they are gone. Files in /tmp stay.
	KillAll(ctx context.Context) error
	// Freeze stops every process inside; Thaw lets them go on. Both are no-ops
	// where Capabilities.Freeze is false.
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
	// LimitCPU changes the bound on CPU time, in thousandths of a core: the Init phase
	// has more than the invokes that follow. A no-op where Capabilities.CPULimit is
	// false.
	LimitCPU(ctx context.Context, millis int) error
	// Usage reports what the environment uses now and used at most.
	Usage() (Usage, error)
	// Destroy ends everything and leaves nothing. It is idempotent.
	Destroy(ctx context.Context) error
}

// Assigner is an Environment that can be made before it is known for which function:
// its own mounts come later. It is asked for where Capabilities.Assign is true.
type Assigner interface {
	// Assign shows a function's files in places that exist and are empty (/var/task and
	// /opt always do) and bounds its memory. It is called once, before the function's
	// first process looks there; processes that run already must not have a file of
	// those places open.
	Assign(ctx context.Context, mounts []Mount, memoryMB int) error
}

// Process is one process that Start made.
type Process interface {
	// Done is closed when the process has ended.
	Done() <-chan struct{}
	// Exit says how it ended; it may be called once Done is closed.
	Exit() Exit
	// Signal sends a signal, such as SIGTERM before a shutdown.
	Signal(sig os.Signal) error
}

// Spec is what an environment is made of.
type Spec struct {
	ID lambda.SandboxID
	// Mounts are shown inside read-only, in order; a later one may lie inside an
	// earlier one.
	Mounts []Mount
	// MemoryMB bounds the processes' memory. What lies in /tmp does not count where
	// Capabilities.TmpOutsideMemory is true.
	MemoryMB int
	// CPUMillis is the CPU time per second of wall time, in thousandths of a core:
	// 1000 is one vCPU. 0 sets no bound; LimitCPU can set one later.
	CPUMillis int
	// TmpMB is the size of /tmp; a write past it gets ENOSPC.
	TmpMB int
	// ProcessesMax bounds processes and threads together.
	ProcessesMax int
	// FilesMax bounds the open files of each process (RLIMIT_NOFILE).
	FilesMax int
}

// Mount shows a file or directory of the host inside the environment, read-only.
type Mount struct {
	Source string // on the host
	Target string // inside, absolute
}

// Command is a process to run inside.
type Command struct {
	// Path is the executable and Args its arguments without the name, both as seen
	// from inside (see Environment.Path).
	Path string
	Args []string
	// Env is the whole environment; nothing is inherited from Hearth.
	Env []string
	// Dir is the working directory, as seen from inside.
	Dir string
	// Output receives stdout and stderr. The driver does not close it.
	Output *os.File
	// Files become descriptors 3 and up inside. The driver does not close them.
	Files []*os.File
}

// Exit says how a process ended.
type Exit struct {
	Code int // exit status, when Signal is 0
	// Signal is the number of the signal that ended it, or 0.
	Signal int
	// OutOfMemory says that the kernel ended a process of the environment because
	// it was over its memory limit.
	OutOfMemory bool
}

// Usage is what an environment uses.
type Usage struct {
	MemoryBytes     int64
	MemoryPeakBytes int64
	CPUNanos        int64
	Processes       int
}

// Capabilities says what a driver can hold to on this host.
type Capabilities struct {
	// Isolation says in a sentence what separates two environments.
	Isolation string
	// PrivateNetwork: each environment has its own loopback and nothing else.
	PrivateNetwork bool
	// PrivateFilesystem: each environment sees its own root only.
	PrivateFilesystem bool
	MemoryLimit       bool
	CPULimit          bool
	ProcessLimit      bool
	TmpLimit          bool
	TmpOutsideMemory  bool
	Freeze            bool
	// Assign: environments meet Assigner.
	Assign bool
	// Missing says, for each limit above that is false, why and what to do.
	Missing []string
}

// StartError says why a command could not be run inside. Its text is what AWS
// prints after "Error: ", such as
// "fork/exec /var/task/bootstrap: no such file or directory".
type StartError struct {
	Path string
	Err  error
}

// Error prints the error as Go's os/exec would.
func (e *StartError) Error() string { return "fork/exec " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause, for errors.Is(err, fs.ErrNotExist) and the like.
func (e *StartError) Unwrap() error { return e.Err }

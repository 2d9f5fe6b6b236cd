// Package fleet lets workers in other processes, on other machines, be part of one
// Hearth. The Hub is the control process's side: which workers there are, what they
// can take, and environments on them that are used like local ones. The Agent is the
// worker's: it listens for events and has its host's environments run them, and gets
// from the control process what they need: packages, role credentials, a place for log
// lines, the AWS API.
//
// A worker joins with one long request, on which it tells how it is and the control
// process answers that it heard. That request is the session. Its end, or silence, is
// the end of the session on both sides: the control process forgets the worker, and the
// worker ends what runs. The worker gives up first (leaseMax, silentMax), so that no
// invoke runs on that the control process counts as over; and the control process tells
// nobody that an invoke failed before it knows that it has ended.
//
// It decides when a worker is lost and what a lost one means for what ran there. It
// does not choose workers (placement), count invocations (counter) or own sandboxes
// (worker). Who may join is rpc's affair.
package fleet

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// statusEvery is how often a worker tells how it is.
	statusEvery = 250 * time.Millisecond
	// silentMax is how long it may fail to before it counts as lost. A killed process is
	// noticed at once, by its connection; this is for machines that vanish or hang, and
	// long enough for one that is merely busy.
	silentMax = 5 * time.Second
	// leaseMax is how long after its last heard status a worker works on without hearing
	// from the control process. What it then ends has ended before silentMax.
	leaseMax = 3 * time.Second
	// exitGrace is what a machine has to end the sandboxes of a worker process whose port
	// is closed already; the kernel takes a few milliseconds.
	exitGrace = 100 * time.Millisecond
	// probeEvery is how often a worker whose session broke off is looked for.
	probeEvery = 50 * time.Millisecond
	// rejoinLeast and rejoinMost are the pauses of a worker that looks for its control
	// process: short, because all invokes wait for the workers then.
	rejoinLeast = 50 * time.Millisecond
	rejoinMost  = time.Second
	// workersMax bounds the workers of one control process.
	workersMax = 1000
	// offersMax bounds the environments that a worker brings along when it joins.
	offersMax = 10_000
	// openMax bounds the start of an environment: the longest Init phase of provisioned
	// concurrency, and fetching the largest package before it.
	openMax = 20 * time.Minute
	// invokeSlack is what an invoke may take beyond the function's timeout: ending a
	// runtime that ran into it, and passing 6 MB on.
	invokeSlack = 30 * time.Second
	// answerSlack bounds requests that a worker answers from memory, and ends.
	answerSlack = 15 * time.Second
)

// ErrLost says that a worker has gone, or takes nothing more, before it was given what
// it was to do.
var ErrLost = errors.New("fleet: the worker is lost or leaving")

// Hello is what a worker says of itself.
type Hello struct {
	Zone string `json:"zone"`
	// Addr is where the other processes reach it, host:port.
	Addr string `json:"addr"`
	// CommitMaxMB bounds the sum of its environments' sizes; 0 means that real use
	// alone decides.
	CommitMaxMB   int      `json:"commit_max_mb"`
	Isolation     string   `json:"isolation"`
	Architectures []string `json:"architectures"`
	Runtimes      []string `json:"runtimes"`
}

// offer is an environment that a worker kept while its control process was gone.
type offer struct {
	ID          lambda.SandboxID
	Version     *lambda.Version
	Initialised bool
	Age         time.Duration
}

// registration is what a worker begins its session with.
type registration struct {
	Hello
	Environments []offer
}

// welcome is what it is answered.
type welcome struct {
	Session string
	// Keep are the offered environments that are wanted; the others are to end.
	Keep []lambda.SandboxID
}

// status is what changes of a worker.
type status struct {
	FreeMB   int  `json:"free_mb"`
	Draining bool `json:"draining"`
}

// LogStream names a log stream.
type LogStream struct{ Account, Region, Group, Stream string }

// LogLine is one event of a log stream.
type LogLine struct {
	Time    time.Time
	Message string
}

// LogWriter takes the lines of one stream. One that is an io.Closer is closed after the
// last.
type LogWriter interface{ Append([]LogLine) }

// Packages are uploaded packages by their digest.
type Packages interface {
	Open(ctx context.Context, digest lambda.CodeDigest) (io.ReadSeekCloser, error)
}

// Roles mints the credentials that code in an environment finds.
type Roles interface {
	MintFunctionSession(ctx context.Context, roleARN string, f lambda.FunctionID, d time.Duration) (lambda.Credentials, error)
}

// Logs opens log streams as a role session.
type Logs interface {
	OpenLog(ctx context.Context, stream LogStream, as lambda.Credentials) (LogWriter, error)
}

// The prefixes of what is asked on the control process's port and on a worker's.
const (
	// Prefix is of what workers ask.
	Prefix = "/fleet/"
	// APIPrefix is of AWS API calls that come out of environments; what follows is the
	// call's own path.
	APIPrefix = "/api"

	invokePrefix = "/invoke/"
	workerPrefix = "/worker/"
)

const (
	// sessionHeader tells of which session a request is.
	sessionHeader = "Hearth-Session"
)

package namespace

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace/control"
)

// Driver makes environments out of Linux namespaces.
type Driver struct {
	cfg       Config
	log       *slog.Logger
	templates *templates
	slots     *slots
	groups    *cgroup.Parent
	images    *tmpImages // nil: /tmp is a tmpfs
	imagesErr error
	networks  *networks
	filter    []byte
	spawns    *spawns
}

var _ sandbox.Driver = (*Driver)(nil)

// New makes a driver, or says what the host lacks. It starts nothing; what it
// touches is StateDir and the parent of its control groups.
func New(cfg Config, log *slog.Logger) (*Driver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("namespace driver: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("namespace driver: this host's set-up needs root; run hearth as root of this host or of a user namespace, or with --isolation process")
	}
	where := filepath.Join(cfg.StateDir, "root")
	if err := os.MkdirAll(where, 0o700); err != nil {
		return nil, fmt.Errorf("namespace driver: make the state directory: %w", err)
	}
	init, err := initBinary(cfg)
	if err != nil {
		return nil, fmt.Errorf("namespace driver: %w", err)
	}
	filter, err := seccompFilter()
	if err != nil {
		return nil, fmt.Errorf("namespace driver: %w", err)
	}
	layout, err := cgroup.Read()
	if err != nil {
		return nil, fmt.Errorf("namespace driver: %w", err)
	}
	ids, err := ownIDs()
	if err != nil {
		return nil, fmt.Errorf("namespace driver: find the user ids: %w", err)
	}
	d := &Driver{
		cfg:       cfg,
		log:       log,
		templates: &templates{init: init, where: where, nested: !ids.all, made: map[string]*template{}},
		slots:     newSlots(cfg.StateDir, ids),
		groups:    cgroup.Open(layout, groupName(cfg.StateDir)),
		networks:  &networks{max: cfg.ReadyNetworks},
		filter:    filter,
		spawns:    &spawns{path: init},
	}
	// The two take as long as one another, and wait for different things.
	rooted := make(chan error, 1)
	go func() { rooted <- d.templates.prepare() }()
	if !ids.all {
		d.imagesErr = errNested
	} else if d.images, d.imagesErr = openTmpImages(filepath.Join(cfg.StateDir, "tmp")); d.imagesErr != nil {
		log.Warn("no disk images for /tmp, it counts as function memory", "error", d.imagesErr)
	}
	if err := <-rooted; err != nil {
		return nil, fmt.Errorf("namespace driver: %w", errors.Join(err, d.Close()))
	}
	return d, nil
}

// errNested says that this process is root of a user namespace only.
var errNested = errors.New("only root of the host may do that")

// groupName is the parent control group of a state directory.
func groupName(stateDir string) string {
	h := fnv.New64a()
	h.Write([]byte(stateDir)) // a hash does not fail
	return "hearth/" + strconv.FormatUint(h.Sum64(), 16)
}

// Name is "namespace".
func (d *Driver) Name() string { return "namespace" }

// Capabilities says what the host's control groups and loop devices allow.
func (d *Driver) Capabilities() sandbox.Capabilities {
	c := sandbox.Capabilities{
		Isolation:         "Linux namespaces with a read-only root, a user id of its own, no capabilities and a system call filter; the kernel is shared",
		PrivateNetwork:    true,
		PrivateFilesystem: true,
		TmpLimit:          true,
		TmpOutsideMemory:  d.images != nil,
		Freeze:            true,
		Assign:            true,
	}
	if d.slots.shared {
		c.Isolation = "Linux namespaces with a read-only root, no capabilities and a system call filter; the kernel and one user id are shared"
	}
	for _, limit := range []struct {
		has        *bool
		controller string
		name       string
	}{
		{&c.MemoryLimit, "memory", "memory limit"},
		{&c.CPULimit, "cpu", "CPU limit"},
		{&c.ProcessLimit, "pids", "process limit"},
	} {
		err := d.groups.Missing(limit.controller)
		*limit.has = err == nil
		if err != nil {
			c.Missing = append(c.Missing, fmt.Sprintf("%s: the %s control group controller cannot be used (%v); mount or delegate it", limit.name, limit.controller, err))
		}
	}
	switch {
	case errors.Is(d.imagesErr, errNested):
		c.Missing = append(c.Missing, "/tmp outside memory: disk images need root of the host")
	case d.images == nil:
		c.Missing = append(c.Missing, fmt.Sprintf("/tmp outside memory: loop devices with ext4 cannot be used (%v); install e2fsprogs and load the loop module", d.imagesErr))
	}
	return c
}

// Run keeps ready-made network namespaces and /tmp images in store until ctx ends.
// The driver works without it; each environment then waits for its own.
func (d *Driver) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { d.networks.stock(ctx, d.log) })
	if d.images != nil {
		group.Go(func() { d.images.stock(ctx, d.cfg.ReadyTmpMB, min(d.cfg.ReadyTmps, readyMax), d.log) })
	}
	group.Wait()
	return nil
}

// Close lets go of what the driver holds on the host. The environments must have
// been destroyed.
func (d *Driver) Close() error {
	d.spawns.close()
	d.templates.close()
	d.networks.close()
	err := d.groups.Close(context.Background())
	if d.images != nil {
		err = errors.Join(err, d.images.close())
	}
	return err
}

// Create makes an environment: its root, its limits and process 1.
func (d *Driver) Create(ctx context.Context, spec sandbox.Spec) (_ sandbox.Environment, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkSpec(spec); err != nil {
		return nil, fmt.Errorf("create environment: %w", err)
	}
	e := &environment{driver: d, spec: spec, network: -1, pidfd: -1, ended: make(chan struct{}), live: map[uint32]*process{}, started: map[uint32]*process{}, calls: map[uint32]chan control.Message{}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("create environment %s: %w", spec.ID, errors.Join(err, e.release(context.WithoutCancel(ctx))))
		}
	}()
	if e.slot, err = d.slots.take(); err != nil {
		return nil, err
	}
	e.hasSlot = true
	if e.network, err = d.networks.take(); err != nil {
		return nil, err
	}
	if d.images != nil {
		if e.image, err = d.images.take(ctx, spec.TmpMB); err != nil {
			return nil, err
		}
	}
	if err := e.launch(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// supervisorThreads is what process 1 takes of the environment's process limit.
const supervisorThreads = 16

// spaceLimits are the limits on what is held, not on what is spent.
func spaceLimits(spec sandbox.Spec) cgroup.Limits {
	l := cgroup.Limits{MemoryBytes: int64(spec.MemoryMB) << 20}
	if spec.ProcessesMax > 0 {
		l.Processes = spec.ProcessesMax + supervisorThreads
	}
	return l
}

// checkSpec refuses what would name something outside the environment.
func checkSpec(spec sandbox.Spec) error {
	id := string(spec.ID)
	if id == "" || id == "." || id == ".." || id != filepath.Base(id) {
		return fmt.Errorf("%q is not a usable id", id)
	}
	if spec.TmpMB <= 0 {
		return fmt.Errorf("a /tmp of %d MB is none", spec.TmpMB)
	}
	for _, m := range spec.Mounts {
		if !filepath.IsAbs(m.Source) || !filepath.IsAbs(m.Target) || filepath.Clean(m.Target) != m.Target || m.Target == "/" {
			return fmt.Errorf("mount %s at %s: both must be clean absolute paths", m.Source, m.Target)
		}
		if slices.Contains([]string{"/proc", "/dev", "/tmp", "/etc"}, m.Target) {
			return fmt.Errorf("mount at %s: the place is the driver's own", m.Target)
		}
	}
	return nil
}

// Sweep ends what an earlier process left. Everything but control groups, and
// processes that a version 1 freezer or a debugger holds, ended with that process.
func (d *Driver) Sweep(ctx context.Context) (int, error) {
	ids, err := d.groups.Leftovers()
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	n := 0
	var errs []error
	for _, id := range ids {
		g := d.groups.Leftover(id)
		if err := errors.Join(g.KillAll(ctx), g.Remove(ctx)); err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", id, err))
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}

// listenIn opens a TCP listener on a port of a network namespace's loopback.
func listenIn(ctx context.Context, network, port int) (l net.Listener, err error) {
	err = onThread(func() error {
		if err := unix.Setns(network, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		var lc net.ListenConfig
		l, err = lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		return err
	})
	return l, err
}

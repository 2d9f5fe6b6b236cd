package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/fleet"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/relay"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// cluster is what other processes of this Hearth meet: the port on which they join, and
// the workers that have.
type cluster struct {
	listener net.Listener
	server   *rpc.Server
	hub      *fleet.Hub
	relay    *relay.Control
}

// clusterDir is where the authority of the other processes' certificates lies.
const clusterDir = "cluster"

// openCluster opens the port for other processes, if the configuration has one.
func (n *Node) openCluster(ctx context.Context, p *parts, packages fleet.Packages) error {
	if n.cfg.ClusterListen == "" {
		return nil
	}
	authority, err := rpc.OpenAuthority(n.dir(clusterDir), time.Now)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", n.cfg.ClusterListen)
	if err != nil {
		return fmt.Errorf("open the port for other processes: %w", err)
	}
	p.closers = append(p.closers, func() error { l.Close(); return nil })
	c := &cluster{listener: l, server: rpc.NewServer(authority.Identity(), n.log)}
	authority.Mount(c.server)
	c.hub = fleet.NewHub(fleet.Config{
		Identity: authority.Identity(), Packages: packages, Roles: p.iam, Logs: fleetLogs{logSink{p.logs, p.iam}},
		Left:   func(workerID string) { p.manager.Vacate(workerID) },
		Joined: func() { p.manager.Joined() },
		Wanted: func(v *lambda.Version) bool { return wanted(p.plane, v) },
		Adopt: func(workerID string, e *fleet.Environment, v *lambda.Version, age time.Duration) bool {
			return p.manager.Adopt(e, v, workerID, time.Now().Add(-age))
		},
		Log: n.log,
	})
	c.server.Mount(fleet.Prefix, c.hub.Handler(), rpc.Worker)
	p.cluster = c
	return nil
}

// workers is where the workers in other processes are; nil where there can be none.
func (p *parts) workers() *fleet.Hub {
	if p.cluster == nil {
		return nil
	}
	return p.cluster.hub
}

// serveAPI answers the AWS API calls that come out of environments on other machines.
func (p *parts) serveAPI(endpoint http.Handler) {
	if p.cluster != nil {
		p.cluster.server.MountAPI(fleet.APIPrefix, endpoint, rpc.Worker)
	}
}

// wanted says whether invokes may still go to environments of a version: it is what its
// name stands for today.
func wanted(plane *controlplane.Service, v *lambda.Version) bool {
	t, err := plane.Lookup(v.Function, v.Version)
	if err != nil || t.Version == nil {
		return false
	}
	return t.Version.ForTenant(v.Tenant).Key() == v.Key()
}

// runCluster lets other processes join until ctx ends, from the moment on from which it
// is known which functions there are.
func (n *Node) runCluster(ctx context.Context, p *parts) error {
	if p.cluster == nil {
		return nil
	}
	select {
	case <-p.plane.Ready():
		return p.cluster.server.Run(ctx, p.cluster.listener)
	case <-ctx.Done():
		return nil
	}
}

// leaveCluster lets the workers keep their warm environments for the process that comes
// after this one.
func (p *parts) leaveCluster() {
	if p.cluster != nil {
		p.cluster.hub.Leave()
	}
}

// NewToken makes a token with which one process may join the Hearth whose data lies in a
// directory. Who may write there may make tokens.
func NewToken(dataDir string, kind rpc.Kind, life time.Duration) (text string, expires time.Time, err error) {
	a, err := rpc.OpenAuthority(filepath.Join(dataDir, clusterDir), time.Now)
	if err != nil {
		return "", expires, err
	}
	return a.NewToken(kind, life)
}

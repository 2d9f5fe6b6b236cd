package node

import (
	"context"
	"net/http"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/relay"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// openRelay lets frontends in other processes pass on what clients ask of them.
func (n *Node) openRelay(p *parts, edge *awsapi.Edge) {
	if p.cluster == nil {
		return
	}
	p.cluster.relay = relay.NewControl(edge, func(r *http.Request) string { return rpc.CallerOf(r).Name }, n.log)
	p.cluster.server.Mount(relay.Prefix, p.cluster.relay, rpc.Frontend)
	p.cluster.server.MountAPI(relay.APIPrefix, relay.Passed(edge), rpc.Frontend)
}

// drainRelay takes no more invokes from frontends and waits for those that run.
func (p *parts) drainRelay(ctx context.Context) error {
	if p.cluster == nil {
		return nil
	}
	return p.cluster.relay.Drain(ctx)
}

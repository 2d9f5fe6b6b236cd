package worker

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// runtimeAPIPort is where AWS's Runtime API listens on an environment's loopback.
const runtimeAPIPort = 9001

// network is what an environment can reach: the Runtime API and the AWS API, both
// on its own loopback.
type network struct {
	runtimeAPI  string // AWS_LAMBDA_RUNTIME_API: host:port
	endpointURL string // AWS_ENDPOINT_URL
	api         net.Listener
	endpoint    net.Listener
	server      *http.Server
}

// openNetwork opens the listeners inside the environment, unless it has them.
func (e *Environment) openNetwork(ctx context.Context) (err error) {
	if e.network.api == nil {
		e.network, err = e.worker.openNetwork(ctx, e.sandbox)
	}
	return err
}

// openNetwork opens the listeners inside a sandbox. Without a private network the AWS
// API is reached at the node's own address.
func (w *Worker) openNetwork(ctx context.Context, env sandbox.Environment) (n network, err error) {
	if n.api, err = env.Listen(ctx, runtimeAPIPort); err != nil {
		return n, err
	}
	n.runtimeAPI = n.api.Addr().String()
	n.endpointURL = w.cfg.Endpoint
	if !w.caps.PrivateNetwork {
		return n, nil
	}
	if n.endpoint, err = env.Listen(ctx, w.cfg.EndpointPort); err != nil {
		return n, err
	}
	n.endpointURL = "http://127.0.0.1:" + strconv.Itoa(w.cfg.EndpointPort)
	return n, nil
}

// serve answers on the listeners until they are closed.
func (n *network) serve(e *Environment) {
	n.server = &http.Server{
		Handler:           e.session.Handler(),
		ReadHeaderTimeout: 10 * time.Second, // the peer is on the same host
	}
	server, api := n.server, n.api
	e.helpers.Go(func() { _ = server.Serve(api) }) // it ends when close is called
	if n.endpoint != nil {
		endpoint := n.endpoint
		e.helpers.Go(func() { e.worker.serveEndpoint(endpoint) })
	}
}

func (n *network) close() {
	if n.server != nil {
		_ = n.server.Close() // what it could report is that a peer has gone
	}
	for _, l := range []net.Listener{n.api, n.endpoint} {
		if l != nil {
			_ = l.Close() // closed by its server already, or never served
		}
	}
}

package node

import (
	"context"
	"errors"
	"log/slog"
)

// Node is one process of Hearth.
type Node struct {
	cfg   Config
	log   *slog.Logger
	ready chan struct{}
	addr  string
}

// New prepares a node. It starts nothing.
func New(cfg Config, log *slog.Logger) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Node{cfg: cfg, log: log, ready: make(chan struct{})}, nil
}

// Ready is closed once the node answers requests.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Addr is the address that the node listens on; it is known once Ready is closed.
func (n *Node) Addr() string { return n.addr }

// Run runs the node until ctx ends and everything is down again.
func (n *Node) Run(ctx context.Context) error {
	<-ctx.Done()
	return errors.New("node: nothing is wired yet")
}

//go:build linux

package worker

import (
	"context"
	"errors"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// assignable makes the process driver's environments ones that can be assigned, which
// fails as often as it is told to.
type assignable struct {
	sandbox.Driver
	fails int
	ended map[lambda.SandboxID]bool
}

type assignableEnvironment struct {
	sandbox.Environment
	driver *assignable
	id     lambda.SandboxID
}

func (d *assignable) Capabilities() sandbox.Capabilities {
	c := d.Driver.Capabilities()
	c.Assign = true
	return c
}

func (d *assignable) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	e, err := d.Driver.Create(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &assignableEnvironment{Environment: e, driver: d, id: spec.ID}, nil
}

func (e *assignableEnvironment) Assign(context.Context, []sandbox.Mount, int) error {
	e.driver.fails--
	return errors.New("the mount namespace is gone")
}

func (e *assignableEnvironment) Destroy(ctx context.Context) error {
	e.driver.ended[e.id] = true
	return e.Environment.Destroy(ctx)
}

// Goal: an environment made ahead that cannot be assigned costs the invoke nothing but
// time: one is made from scratch, and of the first nothing is left.
func TestAnEnvironmentThatCannotBeAssignedIsMadeFromScratch(t *testing.T) {
	b := setUp(t)
	driver := &assignable{Driver: b.worker.driver, fails: 1, ended: map[lambda.SandboxID]bool{}}
	b.worker.driver, b.worker.caps = driver, driver.Capabilities()
	entry, err := b.worker.code.Acquire(t.Context(), b.version.CodeDigest)
	if err != nil {
		t.Fatal(err)
	}
	defer entry.Release()
	e := &Environment{worker: b.worker, version: &b.version, code: entry}
	if err := e.planRuntime(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, _, ok := b.worker.recipeFor(&b.version, e.plan)
	if !ok {
		t.Fatal("nothing can be made ahead")
	}
	made, err := b.worker.makeBlank(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	sh := b.worker.stock.shelf(r)
	sh.ready = append(sh.ready, made)

	opened, err := b.worker.Open(t.Context(), &b.version)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer func() {
		if err := opened.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if driver.fails != 0 || !driver.ended[made.id] {
		t.Errorf("the one made ahead: assigned %t, ended %t; want both", driver.fails == 0, driver.ended[made.id])
	}
	if opened.ID() == made.id {
		t.Error("it is still used")
	}
	if !opened.Initialised() {
		t.Error("the one made from scratch is not ready")
	}
	if opened.first.Assign != 0 || opened.first.Sandbox == 0 {
		t.Errorf("parts %+v, want those of one from scratch", opened.first)
	}
}

package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// runtimeFamily says which runtime an example needs.
type runtimeFamily int

const (
	onNode runtimeFamily = iota
	onPython
	onGo
)

// example is one folder of the examples and how the demo deploys it.
type example struct {
	name    string
	family  runtimeFamily
	handler string
	payload string // for the cold and warm rounds
	timeout int32  // seconds
	memory  int32  // MB; 0 is the default
}

// list is what the demo deploys, in order.
var list = []example{
	{"hello", onNode, "index.handler", `{"name":"Node"}`, 3, 0},
	{"hello-python", onPython, "lambda_function.lambda_handler", `{"name":"Python"}`, 3, 0},
	{"hello-go", onGo, "bootstrap", `{"name":"Go"}`, 3, 0},
	{"callback", onNode, "index.handler", `{}`, 3, 0},
	{"event-and-context", onNode, "index.handler", "", 3, 0},
	{"random-outside", onNode, "index.handler", `{}`, 10, 512},
	{"database-outside", onPython, "lambda_function.lambda_handler", `{}`, 3, 0},
	{"slow", onNode, "index.handler", `{"sleep_ms":20}`, 10, 512},
	{"failing", onNode, "index.handler", `{"how":"none"}`, 5, 512}, // filling the memory is to take far less than the timeout
	{"cpu-bound", onNode, "index.handler", `{"cpu_ms":1}`, 30, 0},
}

// runtime is the runtime's name that an example gets, or "" and why there is none.
func (d *demo) runtime(e example) (name, why string) {
	switch e.family {
	case onNode:
		return d.node, "this machine has no Node"
	case onPython:
		return d.python, "this machine has no Python 3.9 or later"
	case onGo:
		if d.goPackage == nil {
			return "", d.goMissing
		}
		return "provided.al2023", ""
	}
	return "", "unknown"
}

// buildGo builds the Go example, or says why it is left out.
func (d *demo) buildGo(ctx context.Context) {
	if d.cfg.GoSource == "" {
		d.goMissing = "its source is not here; run the demo in the source tree"
		return
	}
	if _, err := exec.LookPath("go"); err != nil {
		d.goMissing = "Go is not installed"
		return
	}
	zip, err := harness.Function{Dir: d.cfg.GoSource}.Package(ctx)
	if err != nil {
		d.goMissing = short(strings.ReplaceAll(err.Error(), "\n", " "), 100)
		return
	}
	d.goPackage = zip
}

// has says whether an example was deployed.
func (d *demo) has(name string) bool {
	for _, e := range list {
		if e.name == name {
			rt, _ := d.runtime(e)
			return rt != ""
		}
	}
	return false
}

func (d *demo) deploy(ctx context.Context) error {
	d.p.title("The examples become functions")
	rows := [][]string{{"FUNCTION", "RUNTIME", "HANDLER", "ACTIVE AFTER"}}
	for _, e := range list {
		rt, why := d.runtime(e)
		if rt == "" {
			rows = append(rows, []string{e.name, "left out: " + why, "", ""})
			continue
		}
		f := harness.Function{
			Name: e.name, Runtime: rt, Handler: e.handler, Dir: filepath.Join(d.sources, e.name), Timeout: e.timeout, Memory: e.memory,
		}
		if e.family == onGo {
			f.Zip = d.goPackage
		}
		start := time.Now()
		if err := harness.Create(ctx, d.aws, f); err != nil {
			return err
		}
		rows = append(rows, []string{e.name, rt, e.handler, millis(time.Since(start)) + " ms"})
	}
	d.p.table(rows)
	return nil
}

// payload is the event of an example's rounds.
func (d *demo) payload(e example) (string, error) {
	if e.payload != "" {
		return e.payload, nil
	}
	text, err := os.ReadFile(filepath.Join(d.sources, e.name, "event.json"))
	if err != nil {
		return "", fmt.Errorf("read the event of %s: %w", e.name, err)
	}
	return string(text), nil
}

//go:build linux

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Parent is the group under which all groups of one owner lie.
type Parent struct {
	layout  Layout
	name    string // relative to each hierarchy's root, such as "hearth/1f2e"
	missing map[string]error
}

// Read finds out where this host shows its controllers.
func Read() (Layout, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Layout{}, fmt.Errorf("find control groups: %w", err)
	}
	l := ParseLayout(info)
	if l.V2 != "" {
		list, err := os.ReadFile(join(l.V2, "cgroup.controllers"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Layout{}, fmt.Errorf("find control groups: %w", err)
		}
		l.V2Controllers = strings.Fields(string(list))
	}
	return l, nil
}

// Open prepares the parent group called name, such as "hearth/1f2e", in every
// hierarchy. A controller that cannot be used is left out; Missing says why.
func Open(layout Layout, name string) *Parent {
	p := &Parent{layout: layout, name: name, missing: map[string]error{}}
	for _, c := range controllers {
		root, version := layout.home(c)
		if version == 0 {
			p.missing[c] = errors.New("no hierarchy of this host has it")
			continue
		}
		if err := p.prepare(root, version, c); err != nil {
			p.missing[c] = err
		}
	}
	return p
}

// prepare makes the parent directory and, in version 2, hands the controller down
// to it.
func (p *Parent) prepare(root string, version int, controller string) error {
	if version == 2 && controller == "cpuacct" {
		controller = "cpu"
	}
	dir := root
	for part := range strings.SplitSeq(p.name, "/") {
		if version == 2 {
			if err := write(join(dir, "cgroup.subtree_control"), "+"+controller); err != nil {
				return fmt.Errorf("hand the %s controller down from %s: %w", controller, dir, err)
			}
		}
		dir = join(dir, part)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make control group: %w", err)
		}
	}
	if version == 2 {
		if err := write(join(dir, "cgroup.subtree_control"), "+"+controller); err != nil {
			return fmt.Errorf("hand the %s controller down from %s: %w", controller, dir, err)
		}
	}
	return nil
}

// prepareAll prepares the parent again in one hierarchy, for every controller there.
func (p *Parent) prepareAll(root string) error {
	var errs []error
	for _, c := range controllers {
		if home, version := p.usable(c); version != 0 && home == root {
			errs = append(errs, p.prepare(root, version, c))
		}
	}
	return errors.Join(errs...)
}

// Missing says why a controller ("memory", "cpu", "pids") cannot be used, or nil.
func (p *Parent) Missing(controller string) error { return p.missing[controller] }

// usable is where a controller's groups lie, and its version; 0 when it cannot be
// used.
func (p *Parent) usable(controller string) (root string, version int) {
	if p.missing[controller] != nil {
		return "", 0
	}
	return p.layout.home(controller)
}

// places are the hierarchies in which a group is made.
func (p *Parent) places() []string {
	var roots []string
	for _, c := range controllers {
		if root, v := p.usable(c); v != 0 && !slices.Contains(roots, root) {
			roots = append(roots, root)
		}
	}
	return roots
}

// Leftovers lists the groups that lie under the parent.
func (p *Parent) Leftovers() ([]string, error) {
	var ids []string
	for _, root := range p.places() {
		entries, err := os.ReadDir(join(root, p.name))
		if err != nil {
			return nil, fmt.Errorf("list control groups: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && !slices.Contains(ids, e.Name()) {
				ids = append(ids, e.Name())
			}
		}
	}
	return ids, nil
}

// Leftover is a group that an earlier process made.
func (p *Parent) Leftover(id string) *Group { return &Group{parent: p, id: id} }

// Close removes the parent group itself; it must have no groups left.
func (p *Parent) Close(ctx context.Context) error {
	var errs []error
	for _, root := range p.places() {
		errs = append(errs, removeDir(ctx, join(root, p.name)))
	}
	return errors.Join(errs...)
}

// write writes a control file in one call, as the kernel asks.
func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

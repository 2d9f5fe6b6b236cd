package process

import (
	"fmt"
	"os"
	"syscall"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// child is a process that Start made; it leads a process group of its own.
type child struct {
	proc *os.Process
	done chan struct{}
	exit sandbox.Exit // written before done is closed
}

func (c *child) wait() {
	defer close(c.done)
	state, err := c.proc.Wait()
	if err != nil {
		c.exit = sandbox.Exit{Code: 1}
		return
	}
	c.exit = exitOf(state.Sys().(syscall.WaitStatus))
}

func exitOf(ws syscall.WaitStatus) sandbox.Exit {
	if ws.Signaled() {
		return sandbox.Exit{Signal: int(ws.Signal())}
	}
	return sandbox.Exit{Code: ws.ExitStatus()}
}

// Done is closed when the process has ended.
func (c *child) Done() <-chan struct{} { return c.done }

// Exit says how it ended.
func (c *child) Exit() sandbox.Exit { return c.exit }

// Signal sends a signal to the process, not to its children.
func (c *child) Signal(sig os.Signal) error {
	if err := c.proc.Signal(sig); err != nil {
		return fmt.Errorf("signal process %d: %w", c.proc.Pid, err)
	}
	return nil
}

func (c *child) killGroup() {
	_ = syscall.Kill(-c.proc.Pid, syscall.SIGKILL) // ESRCH: it is empty, which is the aim
}

// groupGone says whether the process is reaped and nobody in its group runs.
func (c *child) groupGone() bool {
	select {
	case <-c.done:
		return groupEnded(c.proc.Pid)
	default:
		return false
	}
}

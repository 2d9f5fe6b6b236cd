package runtimeapi

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// AssignmentVariable tells a bootstrap that it is started ahead: it says 'W' and waits
// for its assignment before it looks for a function.
const AssignmentVariable = "HEARTH_ASSIGNMENT"

// AwaitWaiting waits until a process that was started ahead has booted. conn is
// Hearth's end of its private channel, not yet given to a Session.
func AwaitWaiting(ctx context.Context, conn Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	defer stop()
	var frame [frameHead]byte
	if _, err := io.ReadFull(conn, frame[:]); err != nil {
		return fmt.Errorf("wait for a runtime to boot: %w", err)
	}
	if binary.BigEndian.Uint32(frame[:]) != 1 || frame[4] != frameWaiting {
		return fmt.Errorf("wait for a runtime to boot: %w: %q", errFrame, frame)
	}
	return nil
}

// Assign gives a process that waits its environment variables, each NAME=value. From
// then on it is a runtime like any other: conn goes to Session.Attach.
func Assign(ctx context.Context, conn Conn, variables []string) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	defer stop()
	body := strings.Join(variables, "\x00")
	frame := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	frame = append(append(frame, frameAssign), body...)
	if _, err := conn.Write(frame); err != nil {
		return fmt.Errorf("assign a runtime: %w", err)
	}
	return nil
}

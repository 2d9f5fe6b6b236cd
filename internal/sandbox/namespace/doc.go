// Package namespace is the sandbox driver for Linux: an execution environment is a
// set of namespaces with a read-only root of its own, control groups, a user id of
// its own and a system call filter. It decides how those are put together, what the
// processes inside see and may do, and how an environment ends without a trace.
//
// What runs inside, when an environment is made and when it ends are the callers'
// decisions; package sandbox says in which terms. The program that is process 1 of
// each environment is package supervisor, package control is how the two talk, and
// package cgroup bounds and measures.
//
// # How an environment is made
//
// A thread of its own enters a copy of a prepared mount namespace (see template),
// attaches what is the environment's own (code, layers, /tmp), enters a network
// namespace that has nothing but loopback, and forks process 1 into new user,
// mount, process, IPC and host name namespaces; the thread then ends. All mounts
// and the network namespace were made by the host's root, so that nobody inside,
// whatever he becomes there, has power over them.
//
// Two host user ids belong to each environment: one is root inside and runs
// process 1, which keeps the right to start processes as somebody else and nothing
// more; the other is Lambda's sbx_user1051 and has no rights at all.
//
// # How it ends
//
// Process 1 exits when its control socket closes, and the kernel then ends every
// process of the environment. So nothing runs on when Hearth is killed, and Sweep
// has only empty control groups to remove.
package namespace

// A whole Kubernetes cluster for tests: etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler as they are in this one process, and kwok in place of the nodes. All of it listens on
// loopback, on ports of the system's choice, and keeps its data in one folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// It is ready after 5 to 10 seconds; others use the machine, too.
const startTimeout = 3 * time.Minute

func main() {
	folder := flag.String("folder", "", "where data, kubeconfig and log are kept; made if it is not there")
	nodes := flag.Int("nodes", 3, "how many nodes, each in a zone of its own")
	flag.Parse()
	if *folder == "" || flag.NArg() > 0 || *nodes < 1 {
		fmt.Fprintln(os.Stderr, "usage: kubernetes --folder DIR [--nodes N, at least 1]")
		os.Exit(64)
	}
	if err := serve(*folder, *nodes); err != nil {
		fmt.Fprintln(console, "kubernetes:", err)
		os.Exit(1)
	}
}

func serve(folder string, nodes int) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("--folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("--folder: %w", err)
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return fmt.Errorf("%s: a cluster is running on it; stop that one or take another --folder", folder)
	}
	log := filepath.Join(folder, "log")
	if err := logTo(log); err != nil {
		return err
	}
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(stopped, folder, nodes); err != nil {
		return fmt.Errorf("%w; %s says more", err, log)
	}
	return nil
}

// What we say ourselves is for whoever started us.
var console = os.Stderr

// logTo has all that the parts write to stderr go into a file, also what the Go runtime says when it
// dies.
func logTo(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	copied, err := syscall.Dup(2)
	if err != nil {
		return err
	}
	syscall.CloseOnExec(copied)
	console = os.NewFile(uintptr(copied), "stderr")
	return syscall.Dup3(int(file.Fd()), 2, 0)
}

// run starts the parts in the order in which they need each other and ends them in the other. It
// returns an error where one could not start or ended by itself.
func run(stopped context.Context, folder string, nodes int) error {
	// Who is stopped meanwhile ends after the start: kube-apiserver dies of a start that is broken off.
	starting, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var parts parts
	err := parts.start(starting, folder, nodes)
	if err == nil {
		fmt.Printf("kubeconfig %s\nready\n", kubeconfigPath(folder))
		select {
		case <-stopped.Done():
		case err = <-parts.failed:
		}
	}
	parts.stop()
	return err
}

// parts are what runs, each until its own context ends.
type parts struct {
	failed chan error
	stops  []func()
}

// add runs a part in the background.
func (p *parts) add(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := run(ctx)
		if err == nil {
			err = errors.New("nobody asked it to")
		}
		if ctx.Err() == nil {
			p.failed <- fmt.Errorf("%s ended: %w", name, err)
		}
	}()
	p.stops = append(p.stops, func() { cancel(); <-ended })
}

func (p *parts) stop() {
	for last := len(p.stops) - 1; last >= 0; last-- {
		p.stops[last]()
	}
}

func (p *parts) start(ctx context.Context, folder string, nodes int) error {
	// One place for each part, so that none waits to say that it failed.
	p.failed = make(chan error, 8)
	etcd, err := startEtcd(ctx, filepath.Join(folder, "etcd"))
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	p.stops = append(p.stops, etcd.Close)
	plane, err := newControlPlane(folder, etcd.Clients[0].Addr().String())
	if err != nil {
		return err
	}
	p.add("kube-apiserver", plane.runServer)
	if err := p.wait(ctx, "kube-apiserver answers", plane.healthy); err != nil {
		return err
	}
	p.add("kube-controller-manager", plane.runControllers)
	p.add("kube-scheduler", plane.runScheduler)
	p.add("volumes", plane.runVolumes)
	p.add("kwok", plane.runNodes)
	if err := plane.makeNodes(ctx, nodes); err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	return p.wait(ctx, "nodes and service accounts are there", plane.ready)
}

// wait asks until it holds, or a part ended.
func (p *parts) wait(ctx context.Context, what string, holds func(context.Context) error) error {
	for {
		err := holds(ctx)
		if err == nil {
			return nil
		}
		select {
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w: %w", what, ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

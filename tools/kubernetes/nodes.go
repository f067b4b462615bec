package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What becomes of a pod; more than kwok's own, see there.
//
//go:embed pods.yaml
var podStages string

// makeNodes makes nodes of a usual size, so that what asks for too much stays pending.
func (c *controlPlane) makeNodes(ctx context.Context, count int) error {
	size := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("32"),
		corev1.ResourceMemory:           resource.MustParse("128Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("200Gi"),
		corev1.ResourcePods:             resource.MustParse("110"),
	}
	for number := range count {
		name := fmt.Sprintf("node-%d", number)
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name: name,
				Labels: map[string]string{
					corev1.LabelHostname:       name,
					corev1.LabelTopologyZone:   fmt.Sprintf("zone-%d", number),
					corev1.LabelTopologyRegion: "region",
					corev1.LabelOSStable:       "linux",
					corev1.LabelArchStable:     "amd64",
				},
			},
			Status: corev1.NodeStatus{Capacity: size, Allocatable: size},
		}
		_, err := c.kubernetes.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
		// It is there where the folder was used before.
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// runNodes has kwok, whose program lies beside this one, be the kubelet of all nodes. It was built with
// another Kubernetes, so that it cannot be a part of this process.
func (c *controlPlane) runNodes(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stages := filepath.Join(c.folder, "pods.yaml")
	if err := os.WriteFile(stages, []byte(podStages), 0o600); err != nil {
		return err
	}
	kwok := exec.CommandContext(ctx, filepath.Join(filepath.Dir(self), "kwok"),
		"--kubeconfig="+kubeconfigPath(c.folder),
		"--config="+stages,
		"--manage-all-nodes",
		// As kubelets have it; without leases it writes each node's status often.
		"--node-lease-duration-seconds=40",
	)
	// Not what somebody has set up at home.
	kwok.Env = append(os.Environ(), "KWOK_WORKDIR="+c.folder)
	kwok.Stdout, kwok.Stderr = os.Stderr, os.Stderr
	kwok.WaitDelay = 10 * time.Second
	kwok.Cancel = func() error { return kwok.Process.Signal(syscall.SIGTERM) }
	// However this process ends, it does, too.
	kwok.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	return kwok.Run()
}

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// What a claim is annotated with by the scheduler (which node will use it) and by the controller
// (who is to make the volume).
const (
	provisioner         = "test/volumes"
	provisionerOfClaim  = "volume.kubernetes.io/storage-provisioner"
	nodeOfClaim         = "volume.kubernetes.io/selected-node"
	provisionerOfVolume = "pv.kubernetes.io/provisioned-by"
	defaultStorageClass = "storageclass.kubernetes.io/is-default-class"
)

// runVolumes does what a storage driver would, with nothing behind it: a claim of the default class
// gets a volume once a pod that uses it has a node, and a volume that was released goes.
func (c *controlPlane) runVolumes(ctx context.Context) error {
	when, reclaim, grows := storagev1.VolumeBindingWaitForFirstConsumer, corev1.PersistentVolumeReclaimDelete, true
	class := &storagev1.StorageClass{
		ObjectMeta:           metav1.ObjectMeta{Name: "standard", Annotations: map[string]string{defaultStorageClass: "true"}},
		Provisioner:          provisioner,
		VolumeBindingMode:    &when,
		ReclaimPolicy:        &reclaim,
		AllowVolumeExpansion: &grows,
	}
	_, err := c.kubernetes.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	// What failed is tried again within a second.
	factory := informers.NewSharedInformerFactory(c.kubernetes, time.Second)
	factory.Core().V1().PersistentVolumeClaims().Informer().AddEventHandler(onChange(func(claim *corev1.PersistentVolumeClaim) error {
		wanted := claim.Annotations[provisionerOfClaim] == provisioner && claim.Annotations[nodeOfClaim] != ""
		if !wanted || claim.Status.Phase != corev1.ClaimPending {
			return nil
		}
		_, err := c.kubernetes.CoreV1().PersistentVolumes().Create(ctx, volumeFor(claim, reclaim), metav1.CreateOptions{})
		return err
	}))
	factory.Core().V1().PersistentVolumes().Informer().AddEventHandler(onChange(func(volume *corev1.PersistentVolume) error {
		if volume.Annotations[provisionerOfVolume] != provisioner || volume.Status.Phase != corev1.VolumeReleased ||
			volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
			return nil
		}
		return c.kubernetes.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	}))
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// Made again or deleted again it is as it was.
func onChange[Object any](do func(Object) error) cache.ResourceEventHandler {
	handle := func(object any) {
		err := do(object.(Object))
		if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			klog.ErrorS(err, "volumes")
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    handle,
		UpdateFunc: func(_, object any) { handle(object) },
	}
}

func volumeFor(claim *corev1.PersistentVolumeClaim, reclaim corev1.PersistentVolumeReclaimPolicy) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        fmt.Sprintf("pvc-%s", claim.UID),
			Annotations: map[string]string{provisionerOfVolume: provisioner},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			StorageClassName:              *claim.Spec.StorageClassName,
			PersistentVolumeReclaimPolicy: reclaim,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			// It stays on its node, as a local disk does.
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{claim.Annotations[nodeOfClaim]},
				}}}},
			}},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				Local: &corev1.LocalVolumeSource{Path: "/volumes/" + string(claim.UID)},
			},
		},
	}
}

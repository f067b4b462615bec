package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controllermanageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

const loopback = "127.0.0.1"

func startEtcd(ctx context.Context, folder string) (*embed.Etcd, error) {
	any := url.URL{Scheme: "http", Host: loopback + ":0"}
	config := embed.NewConfig()
	config.Dir = folder
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{any}, []url.URL{any}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{any}, []url.URL{any}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "warn"
	config.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration
	config.EnableGRPCGateway = false
	// A test's cluster does not outlive the machine.
	config.UnsafeNoFsync = true
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err = <-etcd.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	etcd.Close()
	return nil, err
}

// controlPlane is what the three programs of Kubernetes are told, as they would be by flags.
type controlPlane struct {
	folder      string
	server      *apiserveroptions.ServerRunOptions
	controllers *controllermanageroptions.KubeControllerManagerOptions
	scheduler   *scheduleroptions.Options
	kubernetes  kubernetes.Interface
}

func kubeconfigPath(folder string) string { return filepath.Join(folder, "kubeconfig") }

// newControlPlane makes keys and the kubeconfig, anew at each start, and starts nothing.
func newControlPlane(folder, etcd string) (*controlPlane, error) {
	listener, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return nil, err
	}
	file := func(name string) string { return filepath.Join(folder, name) }
	certificate, key, err := cert.GenerateSelfSignedCertKey(loopback, []net.IP{net.ParseIP(loopback)}, nil)
	if err != nil {
		return nil, err
	}
	tokens, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return nil, err
	}
	// system:masters may do everything.
	password := rand.Text()
	admin := fmt.Sprintf("%s,admin,admin,\"system:masters\"\n", password)
	for name, content := range map[string][]byte{
		"server.crt": certificate, "server.key": key, "tokens.key": tokens, "admin.csv": []byte(admin),
	} {
		if err := os.WriteFile(file(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	kubeconfig := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{
			"test": {Server: "https://" + listener.Addr().String(), CertificateAuthorityData: certificate},
		},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {Token: password}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "admin"}},
		CurrentContext: "test",
	}
	if err := clientcmd.WriteToFile(kubeconfig, kubeconfigPath(folder)); err != nil {
		return nil, err
	}
	client, err := clientcmd.BuildConfigFromFlags("", kubeconfigPath(folder))
	if err != nil {
		return nil, err
	}
	// Nobody else is slowed down by what we ask.
	client.QPS, client.Burst = 1000, 1000
	plane := &controlPlane{folder: folder}
	if plane.kubernetes, err = kubernetes.NewForConfig(client); err != nil {
		return nil, err
	}

	// First, as it changes defaults, which nobody may once they are flags of another.
	if plane.controllers, err = controllermanageroptions.NewKubeControllerManagerOptions(); err != nil {
		return nil, err
	}
	controllerFlags := plane.controllers.Flags(controllermanager.KnownControllers(),
		controllermanager.ControllersDisabledByDefault(), controllermanager.ControllerAliases())
	plane.controllers.ParsedFlags = &controllerFlags
	err = parse(controllerFlags,
		"--kubeconfig="+kubeconfigPath(folder),
		"--root-ca-file="+file("server.crt"),
		"--service-account-private-key-file="+file("tokens.key"),
		"--leader-elect=false",
		"--secure-port=0",
		// Whoever waits for what it does need not wait long.
		"--horizontal-pod-autoscaler-sync-period=1s",
		"--kube-api-qps=1000",
		"--kube-api-burst=1000",
	)
	if err != nil {
		return nil, err
	}
	plane.server = apiserveroptions.NewServerRunOptions()
	plane.server.SecureServing.Listener = listener
	plane.server.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	err = parse(plane.server.Flags(),
		"--etcd-servers=http://"+etcd,
		"--bind-address="+loopback,
		"--advertise-address="+loopback,
		"--tls-cert-file="+file("server.crt"),
		"--tls-private-key-file="+file("server.key"),
		"--token-auth-file="+file("admin.csv"),
		"--authorization-mode=Node,RBAC",
		"--anonymous-auth=false",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+file("tokens.key"),
		"--service-account-signing-key-file="+file("tokens.key"),
		// No other server shares this etcd.
		"--endpoint-reconciler-type=none",
	)
	if err != nil {
		return nil, err
	}
	plane.scheduler = scheduleroptions.NewOptions()
	err = parse(*plane.scheduler.Flags,
		"--kubeconfig="+kubeconfigPath(folder),
		"--leader-elect=false",
		"--secure-port=0",
	)
	if err != nil {
		return nil, err
	}
	// The three are one component to it.
	return plane, compatibility.DefaultComponentGlobalsRegistry.Set()
}

func parse(sets cliflag.NamedFlagSets, flags ...string) error {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	return all.Parse(flags)
}

func (c *controlPlane) runServer(ctx context.Context) error {
	completed, err := c.server.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	return apiserver.Run(ctx, completed)
}

func (c *controlPlane) runControllers(ctx context.Context) error {
	config, err := c.controllers.Config(ctx, controllermanager.KnownControllers(),
		controllermanager.ControllersDisabledByDefault(), controllermanager.ControllerAliases())
	if err != nil {
		return err
	}
	return controllermanager.Run(ctx, config.Complete())
}

func (c *controlPlane) runScheduler(ctx context.Context) error {
	config, loop, err := scheduler.Setup(ctx, c.scheduler)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, config, loop)
}

func (c *controlPlane) healthy(ctx context.Context) error {
	_, err := c.kubernetes.CoreV1().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	return err
}

// ready: whatever is installed now finds nodes to run on and an account to run as.
func (c *controlPlane) ready(ctx context.Context) error {
	if _, err := c.kubernetes.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return err
	}
	nodes, err := c.kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		if !nodeIsReady(node) {
			return fmt.Errorf("node %s is not ready", node.Name)
		}
	}
	return nil
}

func nodeIsReady(node corev1.Node) bool {
	if len(node.Spec.Taints) > 0 {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

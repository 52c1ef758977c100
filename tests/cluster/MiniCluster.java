import java.io.File;
import java.io.FileOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;

/** HDFS and YARN in one process, until its standard input ends. Writes conf/*-site.xml into a folder. */
public class MiniCluster {
    public static void main(String[] arguments) {
        try {
            run(new File(arguments[0]));
            System.exit(0);
        } catch (Throwable failure) {
            failure.printStackTrace();
            System.exit(1); // Whatever threads are still running.
        }
    }

    private static void run(File folder) throws Exception {
        Configuration configuration = new YarnConfiguration();
        configuration.set("hadoop.tmp.dir", folder + "/tmp");
        String scheduler = "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler";
        configuration.set("yarn.resourcemanager.scheduler.class", scheduler);
        configuration.setInt("yarn.minicluster.yarn.nodemanager.resource.memory-mb", 16384);
        configuration.setInt("yarn.nodemanager.resource.cpu-vcores", 8);
        configuration.setInt("yarn.scheduler.maximum-allocation-mb", 16384);
        configuration.setBoolean("yarn.nodemanager.pmem-check-enabled", false);
        configuration.setBoolean("yarn.nodemanager.vmem-check-enabled", false);
        configuration.set(
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage", "99");
        MiniDFSCluster files = new MiniDFSCluster.Builder(configuration, new File(folder, "hdfs"))
            .numDataNodes(1).build();
        FileSystem.setDefaultUri(configuration, files.getURI());
        // Its folders lie under the system property test.build.data, or target/ of this one.
        MiniYARNCluster resources = new MiniYARNCluster("yarn", 1, 1, 1);
        resources.init(configuration);
        resources.start();
        // Its default mapping is a class of Hadoop's tests, which is not on the class path of a submission.
        String mapping = "org.apache.hadoop.net.ScriptBasedMapping";
        resources.getConfig().set("net.topology.node.switch.mapping.impl", mapping);
        for (String site : new String[] {"yarn-site.xml", "core-site.xml"}) {
            File written = new File(folder, "conf/" + site + ".new");
            written.getParentFile().mkdirs();
            try (FileOutputStream stream = new FileOutputStream(written)) {
                resources.getConfig().writeXml(stream);
            }
            written.renameTo(new File(folder, "conf/" + site));
        }
        while (System.in.read() >= 0) {}
        resources.stop();
        files.shutdown(true);
    }
}

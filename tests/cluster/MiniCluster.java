import java.io.File;
import java.io.FileOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** HDFS in one process, until its standard input ends. Writes conf/core-site.xml into a folder. */
public class MiniCluster {
    public static void main(String[] arguments) throws Exception {
        File folder = new File(arguments[0]);
        Configuration configuration = new Configuration();
        configuration.set("hadoop.tmp.dir", folder + "/tmp");
        MiniDFSCluster files = new MiniDFSCluster.Builder(configuration, new File(folder, "hdfs"))
            .numDataNodes(1).build();
        FileSystem.setDefaultUri(configuration, files.getURI());
        File written = new File(folder, "conf/new");
        written.getParentFile().mkdirs();
        try (FileOutputStream stream = new FileOutputStream(written)) {
            configuration.writeXml(stream);
        }
        written.renameTo(new File(folder, "conf/core-site.xml"));
        while (System.in.read() >= 0) {}
        files.shutdown(true);
        System.exit(0);
    }
}
